# The same work in Spark, in one process with as many threads as there are cores: prints what it took as JSON.
import json, os, resource, sys, time

rows, form, folder, memory = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
from pyspark.sql import SparkSession, functions as f
from pyspark.sql.window import Window

started = time.monotonic()
spark = (SparkSession.builder.master('local[*]').config('spark.driver.memory', memory).config('spark.ui.enabled', 'false')
         .config('spark.local.dir', os.path.join(folder, 'spark')).config('spark.sql.shuffle.partitions', str(max(8, rows // 500000))).config('spark.driver.bindAddress', '127.0.0.1').config('spark.driver.host', '127.0.0.1').getOrCreate())
spark.sparkContext.setLogLevel('ERROR')

def read(name, schema):
    path = os.path.join(folder, 'in', name + '.' + form)
    return spark.read.parquet(path) if form == 'parquet' else spark.read.schema(schema).option('header', True).csv(path)

customers = read('customers', 'customer_id BIGINT, country STRING, email STRING, revenue DOUBLE, updated_at TIMESTAMP')
statuses = read('statuses', 'customer_id BIGINT, status STRING')
order = Window.partitionBy('customer_id').orderBy(f.desc('updated_at'), f.desc('country'), f.desc('email'), f.desc('revenue'))
latest = customers.withColumn('place', f.row_number().over(order)).where('place = 1').drop('place')
result = latest.join(statuses, 'customer_id', 'left').groupBy('country', 'status').agg(f.count('*').alias('customers'), f.sum('revenue').alias('revenue')).orderBy('country', 'status')
result.coalesce(1).write.mode('overwrite').option('header', True).csv(os.path.join(folder, 'out-spark'))
wall = time.monotonic() - started
gateway = spark.sparkContext._gateway
spark.stop()
gateway.shutdown()
if gateway.proc is not None:
    gateway.proc.stdin.close()
    gateway.proc.wait()
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({'wallMs': wall * 1000, 'cpuMs': sum(one.ru_utime + one.ru_stime for one in used) * 1000, 'peakBytes': sum(one.ru_maxrss for one in used) * 1024}))
