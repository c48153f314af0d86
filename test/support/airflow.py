"""As much of Airflow as a module made of a job asks for: collects the graph, and runs its tasks against a hub.

Reads {"module", "url", "headers", "params"} from standard input; without a url nothing runs. Writes the graph and the states.
"""

import ast
import datetime
import json
import sys
import types
import urllib.request

order = json.load(sys.stdin)
ast.parse(order["module"])
tasks = {}
dags = []


class Fail(Exception):
    pass


class Skip(Exception):
    pass


class DAG:
    def __init__(self, **kwargs):
        self.kwargs = kwargs

    def __enter__(self):
        dags.append(self)
        return self

    def __exit__(self, *_):
        pass


class BaseOperator:
    def __init__(self, *, task_id, trigger_rule="all_success", retries=0, retry_delay=None, retry_exponential_backoff=False, max_retry_delay=None):
        self.task_id, self.trigger_rule, self.retries, self.upstream = task_id, trigger_rule, retries, []
        self.log = types.SimpleNamespace(warning=lambda *_: None)
        tasks[task_id] = self

    def __rshift__(self, other):
        other.upstream.append(self.task_id)
        return other

    def __rrshift__(self, others):
        other_ids = [other.task_id for other in others]
        self.upstream.extend(other_ids)
        return self


class Param:
    def __init__(self, default=None, **schema):
        self.default = default


class HttpHook:
    def __init__(self, method, http_conn_id):
        self.method = method

    def run(self, path, json=None, headers=None):
        body = None if json is None else __import__("json").dumps(json).encode()
        sent = {**order["headers"], **(headers or {}), **({"content-type": "application/json"} if body else {})}
        with urllib.request.urlopen(urllib.request.Request(order["url"] + path, body, sent, method=self.method)) as answer:
            text = answer.read()
        return types.SimpleNamespace(json=lambda: __import__("json").loads(text))


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


for name in ["airflow", "airflow.providers", "airflow.providers.http", "airflow.providers.http.hooks"]:
    module(name)
module("airflow.exceptions", AirflowFailException=Fail, AirflowSkipException=Skip)
module("airflow.providers.http.hooks.http", HttpHook=HttpHook)
module("airflow.sdk", DAG=DAG, BaseOperator=BaseOperator, Param=Param)

space = {"__name__": "dag"}
exec(compile(order["module"], "dag.py", "exec"), space)

states, results = {}, {}
rules = {
    "all_success": lambda of: "run" if all(s == "success" for s in of) else "upstream_failed" if {"failed", "upstream_failed"} & set(of) else "skipped",
    "one_done": lambda of: "run" if {"success", "failed"} & set(of) else "skipped",
    "one_failed": lambda of: "run" if {"failed", "upstream_failed"} & set(of) else "skipped",
}


def work(task):
    params = {name: order["params"].get(name, param.default) for name, param in dags[0].kwargs["params"].items()}
    dag_run = types.SimpleNamespace(dag_id=dags[0].kwargs["dag_id"], run_id=order["runId"], logical_date=None, run_after=datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc))
    task.poll_seconds = 0.05
    for attempt in range(1, task.retries + 2):
        ti = types.SimpleNamespace(task_id=task.task_id, try_number=attempt, xcom_pull=lambda task_ids: results.get(task_ids))
        try:
            results[task.task_id] = task.execute({"params": params, "dag_run": dag_run, "ti": ti})
            return "success"
        except Skip:
            return "skipped"
        except Fail:
            return "failed"
        except Exception:
            pass
    return "failed"


while order.get("url") and len(states) < len(tasks):
    for task in tasks.values():
        if task.task_id not in states and all(one in states for one in task.upstream):
            fate = rules[task.trigger_rule]([states[one] for one in task.upstream])
            states[task.task_id] = work(task) if fate == "run" else fate

edges = []
for node in ast.walk(ast.parse(order["module"])):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift) and isinstance(node.left, ast.Subscript) and isinstance(node.right, ast.Subscript):
        edges.append(["%s %s" % (side.value.id, side.slice.value) for side in (node.left, node.right)])
print(json.dumps({
    "dag": {name: value for name, value in dags[0].kwargs.items() if name != "params"}, "params": {name: param.default for name, param in dags[0].kwargs["params"].items()}, "edges": edges, "states": states,
    "tasks": {one.task_id: {"rule": one.trigger_rule, "retries": one.retries, "upstream": one.upstream, "app": getattr(one, "app", None)} for one in tasks.values()},
}))
