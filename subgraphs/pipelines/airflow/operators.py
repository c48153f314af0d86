import time
import uuid
from datetime import timedelta
from urllib.parse import quote

from airflow.exceptions import AirflowFailException, AirflowSkipException
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import DAG, BaseOperator, Param


class RunPipeline(BaseOperator):
    """Runs a pipeline of the hub and waits for its end; where that fails, another in its place."""

    def __init__(self, *, app, pipeline, parameters, fallback=None, fallback_parameters=(), http_conn_id="tributary", poll_seconds=5, **kwargs):
        super().__init__(**kwargs)
        self.app = app
        self.pipeline = pipeline
        self.parameters = parameters
        self.fallback = fallback
        self.fallback_parameters = fallback_parameters
        self.http_conn_id = http_conn_id
        self.poll_seconds = poll_seconds
        self.current_run = None

    def execute(self, context):
        try:
            return self.run_to_end(context, self.pipeline, self.parameters)
        except AirflowFailException:
            raise
        except Exception as error:
            if self.fallback is None:
                raise
            self.log.warning("%s Runs %s in its place.", error, self.fallback)
            return self.run_to_end(context, self.fallback, self.fallback_parameters)

    def run_to_end(self, context, pipeline, names):
        dag_run, task = context["dag_run"], context["ti"]
        params = {name: context["params"][name] for name in names}
        params["runDate"] = context["params"]["runDate"] or (dag_run.logical_date or dag_run.run_after).isoformat()
        # The same for the same attempt: a request whose answer was lost begins no second run.
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join([dag_run.dag_id, dag_run.run_id, task.task_id, str(task.try_number), pipeline])))
        path = "/api/v1/datahub/pipelines/%s/%s/runs" % (quote(self.app, safe=""), quote(pipeline, safe=""))
        run = self.ask("POST", path, json={"params": params}, headers={"Idempotency-Key": key})
        self.current_run = run["run_id"]
        while run["state"] in ("queued", "running"):
            time.sleep(self.poll_seconds)
            run = self.ask("GET", "/api/v1/datahub/runs/%s" % self.current_run)
        if run["state"] in ("succeeded", "skipped_no_data"):
            return run["run_id"]
        if run["state"] == "cancelled":
            raise AirflowFailException("The run %s of %s was cancelled." % (run["run_id"], pipeline))
        raise RuntimeError("The run %s of %s failed: %s" % (run["run_id"], pipeline, (run["error"] or {}).get("message")))

    def on_kill(self):
        if self.current_run is not None:
            self.ask("POST", "/api/v1/datahub/runs/%s/cancel" % self.current_run)

    def ask(self, method, path, **request):
        return HttpHook(method=method, http_conn_id=self.http_conn_id).run(path, **request).json()


class AfterFailure(BaseOperator):
    """Lets go on what depends on a pipeline that has ended, or skips it where that failed."""

    def __init__(self, *, of, skips, **kwargs):
        super().__init__(trigger_rule="one_done", retries=0, **kwargs)
        self.of = of
        self.skips = skips

    def execute(self, context):
        if self.skips and context["ti"].xcom_pull(task_ids=self.of) is None:
            raise AirflowSkipException("%s failed." % self.of)


class AnyFailed(BaseOperator):
    """Fails where any pipeline did, as the job does, also where the others went on."""

    def __init__(self, **kwargs):
        super().__init__(trigger_rule="one_failed", retries=0, **kwargs)

    def execute(self, context):
        raise AirflowFailException("A pipeline of the job failed.")
