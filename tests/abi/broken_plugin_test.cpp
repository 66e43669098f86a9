// Plugins that must not load: each is left out with an error that says why and names the file.

#include "fixture.h"

#include <filesystem>

namespace mansard::host {
namespace {

struct Case {
  const char *id, *complaint;
};

class BrokenPlugin : public ::testing::TestWithParam<Case> {};

TEST_P(BrokenPlugin, IsRefusedAndNamed) {
  const std::string id = std::string("broken-") + GetParam().id;
  const PluginPath path(fixture(id));
  hw::Catalog catalog;
  ASSERT_TRUE(catalog.addTarget("id = \"taken\"\n", "the test").ok());
  Host host(catalog);

  const auto bound = host.bind(chipFor(id));
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code, ErrorCode::pluginFailed);
  EXPECT_TRUE(contains(bound.error().text(), GetParam().complaint)) << bound.error().text();
  EXPECT_TRUE(contains(bound.error().text(), "mansard-" + id + ".so")) << bound.error().text();

  std::vector<Error> problems;
  for (const PluginInfo &plugin : host.plugins(&problems))
    EXPECT_NE(plugin.id, id);
  bool listed = false;
  for (const Error &problem : problems)
    listed |= contains(problem.text(), GetParam().complaint);
  EXPECT_TRUE(listed);
}

INSTANTIATE_TEST_SUITE_P(
    Descriptor, BrokenPlugin,
    ::testing::Values(Case{"symbol", "no symbol mansard_plugin_entry"},
                      Case{"descriptor", "no descriptor"}, Case{"major", "major version 1"},
                      Case{"size", "struct_size of 16"}, Case{"id", "its id ''"},
                      Case{"name", "mansard-another.so"}, Case{"create", "create is null"},
                      Case{"destroy", "destroy is null"}, Case{"estimate", "estimate is null"},
                      Case{"keys", "has no name"}, Case{"target", "redefines the target 'taken'"}),
    [](const auto &info) { return std::string(info.param.id); });

TEST(DuplicatePlugin, IsAnErrorThatNamesBothFiles) {
  const PluginPath path(fixture("twin-first") + ":" + fixture("twin-second"));
  hw::Catalog catalog;
  Host host(catalog);
  const auto bound = host.bind(chipFor("twin"));
  ASSERT_FALSE(bound.ok());
  EXPECT_TRUE(contains(bound.error().text(), "twin-first/mansard-twin.so")) << bound.error().text();
  EXPECT_TRUE(contains(bound.error().text(), "twin-second/mansard-twin.so"));
  std::vector<Error> problems;
  for (const PluginInfo &plugin : host.plugins(&problems))
    EXPECT_NE(plugin.id, "twin");
  EXPECT_EQ(problems.size(), 1u);
}

TEST(DuplicatePlugin, IsNotTheSameFileFoundTwice) {
  const PluginPath path(fixture("twin-first") + "::" + fixture("twin-first/mansard-twin.so"));
  hw::Catalog catalog;
  Host host(catalog);
  EXPECT_TRUE(host.bind(chipFor("twin")).ok());
}

TEST(DuplicatePlugin, CannotReplaceTheBuiltInModel) {
  const PluginPath path(fixture("imposter"));
  hw::Catalog catalog;
  Host host(catalog);
  std::vector<Error> problems;
  int generic = 0;
  for (const PluginInfo &plugin : host.plugins(&problems))
    if (plugin.id == "generic") {
      ++generic;
      EXPECT_EQ(plugin.path, "");
    }
  EXPECT_EQ(generic, 1);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(contains(problems[0].text(), "imposter/mansard-generic.so"));
}

TEST(PluginFile, OfAnyNameLoadsWhenThePathNamesIt) {
  const std::string renamed = fixture("renamed-plugin.so");
  std::filesystem::copy_file(fixture("frozen/mansard-frozen.so"), renamed,
                             std::filesystem::copy_options::overwrite_existing);
  const PluginPath path(renamed);
  hw::Catalog catalog;
  Host host(catalog);
  EXPECT_TRUE(host.open("frozen-chip").ok());
}

TEST(PluginFile, ThatIsNoLibraryIsNamed) {
  const PluginPath path(MANSARD_ROOT "/CMakeLists.txt");
  hw::Catalog catalog;
  Host host(catalog);
  std::vector<Error> problems;
  host.plugins(&problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(contains(problems[0].text(), "CMakeLists.txt: plugin: it cannot be loaded"))
      << problems[0].text();
}

TEST(PluginPathEntry, ThatIsNotThereIsNamed) {
  const PluginPath path("/no/such/folder");
  hw::Catalog catalog;
  Host host(catalog);
  std::vector<Error> problems;
  host.plugins(&problems);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_TRUE(contains(problems[0].text(), "/no/such/folder"));
  const auto bound = host.bind(chipFor("misbehaving"));
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code, ErrorCode::notFound);
  EXPECT_TRUE(contains(bound.error().text(), "/no/such/folder")) << bound.error().text();
}

TEST(UnknownModel, ListsThoseThereAre) {
  const PluginPath path(fixture("misbehaving"));
  hw::Catalog catalog;
  Host host(catalog);
  const auto bound = host.bind(chipFor("misbehavin"));
  ASSERT_FALSE(bound.ok());
  EXPECT_TRUE(contains(bound.error().text(), "did you mean 'misbehaving'")) << bound.error().text();
  EXPECT_TRUE(contains(bound.error().text(), "generic"));
}

TEST(WorkingDirectory, IsNeverSearched) {
  const PluginPath path(":");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(fixture("misbehaving"));
  hw::Catalog catalog;
  Host host(catalog);
  const auto bound = host.bind(chipFor("misbehaving"));
  std::filesystem::current_path(before);
  EXPECT_FALSE(bound.ok());
}

} // namespace
} // namespace mansard::host
