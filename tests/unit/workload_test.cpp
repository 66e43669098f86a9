#include <mansard/work/workload.h>

#include <gtest/gtest.h>

namespace mansard::work {
namespace {

Workload workload(int64_t tp, int64_t dp, int64_t ep) {
  Workload w;
  w.parallelism = {tp, 1, dp, ep};
  return w;
}

TEST(Workload, AcceptsExpertsInsideAReplicaAndAcrossReplicas) {
  EXPECT_TRUE(check(workload(8, 1, 4)).ok());
  EXPECT_TRUE(check(workload(1, 32, 32)).ok());
  EXPECT_TRUE(check(workload(4, 8, 16)).ok());
}

TEST(Workload, NamesTheNearestValidExpertDegree) {
  const auto problem = check(workload(1, 32, 30));
  ASSERT_FALSE(problem.ok());
  EXPECT_NE(problem.error().message.find("nearest that does is 32"), std::string::npos)
      << problem.error().message;
}

TEST(Workload, ExpertWidthIsWhatIsStatedOrWhatExpertsLeave) {
  Parallelism p{8, 1, 1, 2};
  EXPECT_EQ(p.expertWidthWays(), 4);
  EXPECT_EQ(p.expertGroup(), 8);
  EXPECT_FALSE(p.spansReplicas());
  p = {1, 1, 8, 8};
  EXPECT_EQ(p.expertWidthWays(), 1);
  EXPECT_TRUE(p.spansReplicas());
  EXPECT_FALSE(p.gathersTokens());
  p.exchange = ExpertExchange::all_gather;
  EXPECT_TRUE(p.gathersTokens());
  p = {1, 1, 8, 2};
  p.moe_tp = 4;
  EXPECT_EQ(p.expertGroup(), 8);
  EXPECT_TRUE(p.gathersTokens()); // whatever the exchange
}

TEST(Workload, ContextParallelismIsAMultipleOfTheDevices) {
  Parallelism p{2, 3, 4, 1};
  p.cp = 5;
  EXPECT_EQ(p.devices(), 120);
  EXPECT_EQ(p.stageDevices(), 40);
  EXPECT_EQ(degreesOf(p), "tp 2, pp 3, dp 4, cp 5");
  EXPECT_EQ(degreesOf({}), "one device");
}

TEST(Workload, RefusesNonsense) {
  Workload w;
  w.batch = -1;
  EXPECT_FALSE(check(w).ok());
  w = {};
  w.accept = 1.5;
  EXPECT_FALSE(check(w).ok());
  w = {};
  w.parallelism.tp = int64_t{1} << 29;
  w.parallelism.dp = int64_t{1} << 29;
  EXPECT_FALSE(check(w).ok());
}

TEST(Workload, SpeculationYieldsOnePlusTheAcceptedTokens) {
  Workload w;
  w.batch = 96;
  w.new_tokens = 2;
  w.accept = 0.7;
  EXPECT_DOUBLE_EQ(w.tokensPerStep(), 96 * 1.7);
}

TEST(Workload, TheBusiestReplicaSetsTheBatch) {
  Workload w;
  w.batch = 33;
  w.parallelism.dp = 32;
  EXPECT_EQ(w.sequencesPerReplica(), 2);
}

} // namespace
} // namespace mansard::work
