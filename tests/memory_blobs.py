"""Blobs in memory, for tests of what reads and writes them."""

from storage.blobs import Blobs


class MemoryBlobs(Blobs):
    """The interface of `Blobs`. `before_put` may raise."""

    def __init__(self):
        self.content = {}
        self.before_put = lambda _: None

    async def put(self, name, content):
        self.before_put(name)
        self.content[name] = content

    async def get(self, name):
        return self.content.get(name)

    async def names(self, prefix):
        return sorted(name for name in self.content if name.startswith(prefix))

    async def delete(self, names):
        for name in names:
            self.content.pop(name, None)

    async def close(self):
        return
