package org.elasticsearch.node;

import static org.elasticsearch.rest.RestRequest.Method.GET;
import static org.elasticsearch.rest.RestRequest.Method.HEAD;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.GivenPlugins;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.transport.netty4.Netty4Plugin;

/**
 * Starts an Elasticsearch node from the libraries that Maven's registry carries, on a plain class path. The server's own entry point wants
 * the packaged distribution: its modules, its entitlement agent. Takes the home folder, with config/elasticsearch.yml in it.
 */
public final class Start {
  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]);
    LogConfigurator.configureESLogging();
    Settings settings = Settings.builder().put("path.home", home.toString()).build();
    Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), home.resolve("config"), () -> "engines");
    LogConfigurator.configureWithoutConfig(environment.settings());

    NodeServiceProvider services = new NodeServiceProvider() {
      @Override
      PluginsService newPluginService(Environment of, PluginsLoader none) {
        return new GivenPlugins(of, new Netty4Plugin(), new Root());
      }
    };
    PluginsLoader none = PluginsLoader.createPluginsLoader(Set.of(), Set.of(), Map.of(), false);
    Node node = new Node(NodeConstruction.prepareConstruction(environment, none, services, true)) {};

    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.prepareForClose();
        node.close();
      } catch (IOException failure) {
        failure.printStackTrace();
      } finally {
        ended.countDown();
      }
    }));
    node.start();
    ended.await();
  }

  /** What the server says of itself at its root: clients ask for it first, and the module that answers is not in the registry. */
  public static final class Root extends Plugin implements ActionPlugin {
    private ClusterService cluster;

    @Override
    public Collection<?> createComponents(PluginServices services) {
      cluster = services.clusterService();
      return List.of();
    }

    @Override
    public Collection<RestHandler> getRestHandlers(RestHandlersServices services, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features) {
      return List.of(new Handler());
    }

    private Map<String, Object> self() {
      Build build = Build.current();
      Map<String, Object> version = Map.of(
          "number", build.version(), "build_flavor", build.flavor(), "build_type", build.type().displayName(), "build_hash", build.hash(), "build_date", build.date(),
          "build_snapshot", build.isSnapshot(), "lucene_version", Version.LATEST.toString(),
          "minimum_wire_compatibility_version", build.minWireCompatVersion(), "minimum_index_compatibility_version", build.minIndexCompatVersion());
      return Map.of(
          "name", cluster.localNode().getName(), "cluster_name", cluster.getClusterName().value(), "cluster_uuid", cluster.state().metadata().clusterUUID(),
          "version", version, "tagline", "You Know, for Search");
    }

    private final class Handler extends BaseRestHandler {
      @Override
      public String getName() {
        return "root";
      }

      @Override
      public List<Route> routes() {
        return List.of(new Route(GET, "/"), new Route(HEAD, "/"));
      }

      @Override
      protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        return channel -> channel.sendResponse(new RestResponse(RestStatus.OK, channel.newBuilder().map(self())));
      }
    }
  }
}
