# Takes runs of pipelines and jobs from the queue. As many of them as the queue needs share one PostgreSQL and one folder of data.
ARG TRIBUTARY=tributary
FROM ${TRIBUTARY}
LABEL org.opencontainers.image.title="tributary-pipeline-runner"
ENV HUB_CATALOG=/config/hub.yaml HUB_HOST=0.0.0.0 HUB_PORT=8080 HUB_PIPELINES__FOLDER=/config/pipelines HUB_PIPELINES__SLOTS=1 HUB_PIPELINES__SCHEDULES=false
EXPOSE 8080
HEALTHCHECK --start-period=30s CMD ["node", "--eval", "fetch('http://127.0.0.1:' + process.env.HUB_PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["start"]
