package org.elasticsearch.plugins;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.Build;
import org.elasticsearch.action.admin.cluster.node.info.PluginsAndModules;
import org.elasticsearch.env.Environment;

/** The plugins it is given, where the packaged server would look for folders of them. */
public final class GivenPlugins extends PluginsService {
  private final List<LoadedPlugin> given;

  public GivenPlugins(Environment environment, Plugin... plugins) {
    super(environment.settings(), environment.configDir(), new PluginsLoader(Set.of(), Set.of(), Map.of()));
    given = Arrays.stream(plugins).map(plugin -> new LoadedPlugin(describe(plugin), plugin, plugin.getClass().getClassLoader())).toList();
  }

  private static PluginDescriptor describe(Plugin plugin) {
    String type = plugin.getClass().getName();
    String java = String.valueOf(Runtime.version().feature());
    return new PluginDescriptor(type, type, "", Build.current().version(), java, type, null, List.of(), false, false, false, false, PluginDescriptor.DeploymentTarget.ALL);
  }

  /** The superclass asks while it is being made, before there is a list. */
  @Override
  protected List<LoadedPlugin> plugins() {
    return given == null ? List.of() : given;
  }

  @Override
  public PluginsAndModules info() {
    return new PluginsAndModules(List.of(), List.of());
  }
}
