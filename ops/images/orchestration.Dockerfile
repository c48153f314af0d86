# Serves the graph and puts runs into the queue when their schedules say so. It runs none.
ARG TRIBUTARY=tributary
FROM ${TRIBUTARY}
LABEL org.opencontainers.image.title="tributary-orchestration"
ENV HUB_CATALOG=/config/hub.yaml HUB_HOST=0.0.0.0 HUB_PORT=8080 HUB_PIPELINES__FOLDER=/config/pipelines HUB_PIPELINES__SLOTS=0 HUB_PIPELINES__SCHEDULES=true
EXPOSE 8080
HEALTHCHECK --start-period=30s CMD ["node", "--eval", "fetch('http://127.0.0.1:' + process.env.HUB_PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["start"]
