// Systems: what a file must say, and what becomes of its chip's links.
#include <mansard/base/names.h>
#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/system.h>
#include <mansard/report/system_report.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace mansard::hw {
namespace {

constexpr const char *kSound = R"(id = "box"
name = "A box"
vendor = "Nobody"
chip = "h100-sxm"
status = "announced"
year = 2026
chips_per_node = { value = 4, source = "s", confidence = "vendor" }
nodes = { value = 2, source = "s", confidence = "vendor" }
[links.scale_up]
topology = "ring"
bandwidth_GBps = { value = 77, source = "s", confidence = "vendor" }
latency_us = { value = 3, source = "s", confidence = "vendor" }
domain = { value = 4, source = "s", confidence = "vendor" }
)";

class SystemTest : public ::testing::Test {
protected:
  Result<System> build(const std::string &text) {
    const Result<Document> document = parseDocument(text, "box.toml");
    if (!document)
      return document.error();
    return buildSystem(*document, catalog_);
  }
  /// What is wrong with the sound text and `more`.
  std::string complaint(const std::string &more) {
    const Result<System> system = build(kSound + more);
    return system ? "nothing" : system.error().text();
  }

  Catalog catalog_;
};

TEST_F(SystemTest, CountsItsChips) {
  const Result<System> system = build(kSound);
  ASSERT_TRUE(system.ok()) << system.error().text();
  EXPECT_EQ(system->chipsPerNode(), 4);
  EXPECT_EQ(system->chips(), 8);
  EXPECT_EQ(system->chip, "h100-sxm");
  EXPECT_EQ(system->number("links.scale_up.bandwidth_GBps"), 77);
}

TEST_F(SystemTest, ItsLinksTakeThePlaceOfTheChips) {
  const Result<System> system = build(kSound);
  ASSERT_TRUE(system.ok());
  const Result<Chip> chip = catalog_.chipOf(*system);
  ASSERT_TRUE(chip.ok()) << chip.error().text();
  const mansard_chip view = ChipView(*chip).chip();
  EXPECT_EQ(view.links[MANSARD_LINK_SCALE_UP].bytes_per_s, 77e9);
  EXPECT_EQ(view.links[MANSARD_LINK_SCALE_UP].topology, MANSARD_TOPOLOGY_RING);
  EXPECT_EQ(view.links[MANSARD_LINK_SCALE_OUT].bytes_per_s, 0) << "the chip's own is gone";
  EXPECT_EQ(chip->system->id, "box");
  EXPECT_EQ(chip->title(), "NVIDIA H100 SXM 80 GB, in box");
}

TEST_F(SystemTest, OverridesComeLast) {
  const Result<System> system = build(kSound);
  ASSERT_TRUE(system.ok());
  const Result<Chip> chip =
      catalog_.chipOf(*system, {{"links.scale_up.bandwidth_GBps", "99"}, {"compute.cores", "100"}});
  ASSERT_TRUE(chip.ok()) << chip.error().text();
  EXPECT_EQ(chip->number("links.scale_up.bandwidth_GBps"), 99);
  EXPECT_EQ(chip->number("compute.cores"), 100);
}

TEST_F(SystemTest, ErrorsNamePlaceAndNearestKey) {
  EXPECT_EQ(
      complaint("[power]\nnode_w = { value = 1e4, source = \"s\", confidence = \"vendor\" }\n"),
      "box.toml:15:10: no key 'power.node_w' in a system (did you mean 'power.node_W'?)");
  EXPECT_NE(complaint("[power]\nnode_W = 5000\n").find("box.toml:15:10: 'power.node_W' must be {"),
            std::string::npos);
  EXPECT_NE(complaint("[power]\nnode_W = { value = 5, source = \"s\", confidence = \"vendor\" }\n")
                .find("'power.node_W' is 5 W; it may be 100 to 1e+06"),
            std::string::npos);
  EXPECT_NE(complaint("[links.scale_out]\ntopology = \"star\"\n").find("'star' is not a topology"),
            std::string::npos);
  EXPECT_NE(complaint("[links.scale_out]\ntopology = \"switch\"\n")
                .find("'links.scale_out.bandwidth_GBps' is missing"),
            std::string::npos);
  EXPECT_NE(complaint("[host]\ncpu = 3\n").find("'host.cpu' is a text"), std::string::npos);
}

TEST_F(SystemTest, AFirstTierMustBeSmallerThanTheWhole) {
  EXPECT_NE(complaint("[links.node]\ntopology = \"switch\"\n"
                      "bandwidth_GBps = { value = 77, source = \"s\", confidence = \"vendor\" }\n"
                      "latency_us = { value = 1, source = \"s\", confidence = \"vendor\" }\n"
                      "domain = { value = 4, source = \"s\", confidence = \"vendor\" }\n")
                .find("links.node, the first tier of links.scale_up, joins 4 devices"),
            std::string::npos);
}

TEST_F(SystemTest, UnknownNamesComeWithTheNearest) {
  const Result<System> system = catalog_.system("cloudmatrix-383");
  ASSERT_FALSE(system.ok());
  EXPECT_NE(system.error().text().find("did you mean 'cloudmatrix-384'?"), std::string::npos);
  const Result<System> missing = build("inherits = \"no-such\"\n");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().text().find("inherits: no system 'no-such'"), std::string::npos);
  std::string text = kSound;
  text.replace(text.find("h100-sxm"), 8, "h100-sxn");
  const Result<System> other = build(text);
  ASSERT_TRUE(other.ok());
  const Result<Chip> chip = catalog_.chipOf(*other);
  ASSERT_FALSE(chip.ok());
  EXPECT_NE(chip.error().text().find("chip: no target 'h100-sxn'"), std::string::npos);
}

TEST_F(SystemTest, EveryShippedOneIsSound) {
  EXPECT_GE(catalog_.systemIds().size(), 19u);
  for (const std::string &id : catalog_.systemIds()) {
    const report::TargetCheck check = report::checkSystem(catalog_, id);
    for (const report::Finding &finding : check.findings)
      EXPECT_FALSE(finding.error) << id << ": " << finding.message;
    EXPECT_EQ(check.id, id);
  }
}

/// A chip by itself has the links of the system that it is sold in: the two files must not drift
/// apart.
TEST_F(SystemTest, BoardsHaveTheLinksThatTheirChipsSayTheyHave) {
  for (const char *id :
       {"hgx-a100", "hgx-h100", "hgx-h800", "hgx-h20", "hgx-h200", "hgx-b200", "hgx-b300",
        "gb200-nvl72", "gb300-nvl72", "atlas-800-a2", "mlu370-x8-server", "mlu590-server",
        "dcu-k100-ai-server", "dcu-bw1000-server", "pcie-l40s", "pcie-rtx-pro-6000"}) {
    const Result<System> system = catalog_.system(id);
    ASSERT_TRUE(system.ok()) << system.error().text();
    const Result<Chip> chip = catalog_.target(system->chip);
    ASSERT_TRUE(chip.ok());
    for (const char *level : {"scale_up", "scale_out"})
      for (const char *field :
           {"bandwidth_GBps", "latency_us", "topology", "in_network_reduction"}) {
        const std::string key = fmt::format("links.{}.{}", level, field);
        EXPECT_EQ(system->number(key), chip->number(key)) << id << " " << key;
      }
    EXPECT_EQ(system->number("links.scale_up.domain"), chip->number("links.scale_up.domain")) << id;
  }
}

TEST_F(SystemTest, CheckFindsDomainsAndAdaptersThatDoNotAddUp) {
  const auto findings = [&](const std::string &id, const std::string &more) {
    const std::string path = fmt::format("{}/{}.toml", ::testing::TempDir(), id);
    std::FILE *file = std::fopen(path.c_str(), "w");
    std::fputs((kSound + more).c_str(), file);
    std::fclose(file);
    std::string all;
    for (const report::Finding &f : report::checkSystem(catalog_, path).findings)
      all += (f.error ? "error: " : "warning: ") + f.message + "\n";
    return all;
  };
  EXPECT_EQ(findings("box", ""), "warning: the links join 4 of 8 devices\n");
  const std::string wide =
      findings("box", "[links.scale_out]\ntopology = \"switch\"\n"
                      "bandwidth_GBps = { value = 50, source = \"s\", confidence = \"vendor\" }\n"
                      "latency_us = { value = 5, source = \"s\", confidence = \"vendor\" }\n"
                      "domain = { value = 64, source = \"s\", confidence = \"vendor\" }\n"
                      "[nic]\nper_node = { value = 2, source = \"s\", confidence = \"vendor\" }\n"
                      "rate_Gbps = { value = 400, source = \"s\", confidence = \"vendor\" }\n");
  EXPECT_NE(wide.find("error: links.scale_out.domain is 64, but there are 8 devices"),
            std::string::npos)
      << wide;
  EXPECT_NE(wide.find("a node's 2 adapters give each of its devices 25"), std::string::npos)
      << wide;
}

TEST(SystemModel, TheHostBindsASystemsChip) {
  Catalog catalog;
  host::Host host(catalog);
  const Result<host::Model> model = host.openSystem("cloudmatrix-384");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->chip().id, "ascend-910c");
  EXPECT_EQ(model->view().node.domain, 16);
  EXPECT_EQ(model->view().links[MANSARD_LINK_SCALE_UP].domain, 768);
  EXPECT_LT(model->view().node.latency_s, model->view().links[MANSARD_LINK_SCALE_UP].latency_s);
}

} // namespace
} // namespace mansard::hw
