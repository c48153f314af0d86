# Answers what boards and people ask about runs. It runs none and schedules none.
ARG TRIBUTARY=tributary
FROM ${TRIBUTARY}
LABEL org.opencontainers.image.title="tributary-dashboard"
ENV HUB_CATALOG=/config/hub.yaml HUB_HOST=0.0.0.0 HUB_PORT=8080 HUB_PIPELINES__FOLDER=/config/pipelines HUB_PIPELINES__SLOTS=0 HUB_PIPELINES__SCHEDULES=false
EXPOSE 8080
HEALTHCHECK --start-period=30s CMD ["node", "--eval", "fetch('http://127.0.0.1:' + process.env.HUB_PORT + '/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["start"]
