"""An endpoint for change notifications on this machine, which a test can make slow or wrong."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Notified:
    """`bodies`: what came, in order. `token` changes what a handshake sends back; answers take `seconds`."""

    def __init__(self):
        self.bodies, self.handshakes = [], 0
        self.status, self.seconds, self.content_type = 202, 0.0, "text/plain; charset=utf-8"
        self.token = str
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                query = parse_qs(urlsplit(self.path).query)
                time.sleep(endpoint.seconds)
                if "validationToken" in query:
                    endpoint.handshakes += 1
                    self.answer(200, endpoint.token(query["validationToken"][0]).encode())
                else:
                    endpoint.bodies.append(json.loads(body))
                    self.answer(endpoint.status, b"")

            def answer(self, status, content):
                self.send_response(status)
                self.send_header("Content-Type", endpoint.content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # Microsoft hangs up on a slow endpoint.
        self.url = f"http://localhost:{self._server.server_port}/api/doorbell"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def notifications(self):
        return [one for body in self.bodies for one in body["value"]]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
