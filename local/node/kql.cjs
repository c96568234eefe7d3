// Checks KQL with Microsoft's own parser. stdin: {"tables": {"AppTraces": "(Message: string)"}, "queries": ["…"]};
// stdout: for each query {"problems": ["…"], "columns": {"Value": "long"}}.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

function items(list) {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index));
}

const { tables, queries } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", symbols));
const told = queries.map((query) => {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const columns = items(code.ResultType?.Columns ?? { Count: 0 });
  return {
    problems: items(code.GetDiagnostics()).map((one) => one.Message),
    columns: Object.fromEntries(columns.map((one) => [one.Name, one.Type.Name])),
  };
});
process.stdout.write(JSON.stringify(told));
