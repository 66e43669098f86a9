// What records of servers leave unsaid or say wrongly, and what is made of it.
#include <mansard/hw/chip.h>
#include <mansard/report/measurements.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mansard::report {
namespace {

RowValues recorded() {
  return {{"target", "b200-sxm"},
          {"op", "serving"},
          {"model", "deepseek-ai/DeepSeek-R1"},
          {"software", "sglang-0.5.9"},
          {"weight_precision", "fp4"},
          {"gemm_quant", "nvfp4"},
          {"moe_quant", "nvfp4"},
          {"isl", "1024"},
          {"osl", "8192"},
          {"concurrency", "8"},
          {"tp", "8"},
          {"pp", "1"},
          {"attention_dp", "1"},
          {"moe_tp", "1"},
          {"moe_ep", "8"}};
}

ServedRow with(RowValues values, std::initializer_list<std::pair<const char *, const char *>> set) {
  for (const auto &[column, value] : set)
    values[column] = value;
  return readServedRow(values["op"], values);
}

TEST(ServedHabits, AProductOfTheExpertsDegreesIsOneOfThem) {
  const ServedRow row = with(recorded(), {{"tp", "64"}, {"moe_tp", "8"}, {"moe_ep", "8"}});
  EXPECT_EQ(row.unusable, "");
  EXPECT_EQ(row.scenario.plan.parallelism.tp, 8);
  EXPECT_EQ(row.scenario.plan.parallelism.ep, 8);
  EXPECT_EQ(row.scenario.plan.parallelism.devices(), 8);
  EXPECT_EQ(row.scenario.concurrency, 8);
}

TEST(ServedHabits, RequestsCountForEachReplicaOfAttention) {
  const ServedRow plain =
      with(recorded(), {{"tp", "1"}, {"attention_dp", "8"}, {"concurrency", "16"}});
  EXPECT_EQ(plain.scenario.plan.parallelism.dp, 8);
  EXPECT_EQ(plain.scenario.concurrency, 128);
  RowValues other = recorded();
  other["attention_dp"] = "8";
  other["isl"] = "4000"; // not InferenceMAX's
  EXPECT_EQ(readServedRow("serving", other).scenario.concurrency, 8);
}

TEST(ServedHabits, WhereReplicasAreTheProductSoAreRequests) {
  const ServedRow row =
      with(recorded(), {{"tp", "1"}, {"attention_dp", "16"}, {"moe_tp", "4"}, {"moe_ep", "4"}});
  EXPECT_EQ(row.scenario.plan.parallelism.dp, 4);
  EXPECT_EQ(row.scenario.plan.parallelism.ep, 4);
  EXPECT_EQ(row.scenario.concurrency, 128);
}

TEST(ServedHabits, HonestDegreesStay) {
  const ServedRow row = with(recorded(), {{"tp", "8"}, {"moe_tp", "2"}, {"moe_ep", "4"}});
  EXPECT_EQ(row.scenario.plan.parallelism.tp, 8);
  EXPECT_EQ(row.scenario.plan.parallelism.ep, 4);
  EXPECT_EQ(row.scenario.plan.parallelism.expertWidthWays(), 2);
}

TEST(ServedHabits, InferenceMaxDrawsLengthsBelowThoseItNames) {
  const ServedRow row = with(recorded(), {});
  EXPECT_EQ(row.scenario.isl, 922);
  EXPECT_EQ(row.scenario.osl, 7373);
  EXPECT_NEAR(row.scenario.lengthSpread, 1.0 / 9, 1e-9);
  EXPECT_GT(row.scenario.firstBurst, 0);

  RowValues other = recorded();
  other.erase("attention_dp");
  const ServedRow fixed = readServedRow("serving", other);
  EXPECT_EQ(fixed.scenario.isl, 1024);
  EXPECT_EQ(fixed.scenario.lengthSpread, 0);
}

TEST(ServedHabits, SglangsSchedulerPollsSeldomWhereItsLaunchScriptsSaySo) {
  EXPECT_EQ(with(recorded(), {}).scenario.software.poll_iterations, 10);
  EXPECT_EQ(with(recorded(), {{"concurrency", "16"}}).scenario.software.poll_iterations, 30);
  EXPECT_EQ(with(recorded(), {{"software", "vllm-0.15.1"}}).scenario.software.poll_iterations, 0);
}

TEST(ServedHabits, WhatMakesNoServerIsKeptUnusable) {
  EXPECT_NE(with(recorded(), {{"tp", "eight"}}).unusable, "");
  EXPECT_NE(with(recorded(), {{"isl", "0"}}).unusable, "");
  EXPECT_NE(with(recorded(), {{"concurrency", "0"}}).unusable, "");
}

TEST(ServedHabits, PrecisionIsTheCheckpointsOwn) {
  work::Transformer experts;
  experts.moe.experts = 256;
  experts.stored = DType::fp8;
  experts.stored_block_scaled = true;
  hw::Chip hopper, blackwell;
  hopper.family = "nvidia-hopper";
  blackwell.family = "nvidia-blackwell";
  const auto planOf = [&](RowValues values, const work::Transformer &model, const hw::Chip &chip) {
    values["target"] = &chip == &hopper ? "h100-sxm" : "b200-sxm";
    ServedRow row = readServedRow("serving", values);
    EXPECT_TRUE(completePlan(row, values, model, chip).ok());
    return row.scenario.plan;
  };
  RowValues values = recorded();
  EXPECT_EQ(planOf(values, experts, blackwell).quantisation, work::Quantisation::nvfp4);
  EXPECT_EQ(planOf(values, experts, blackwell).kvCache, DType::fp8);
  values["moe_quant"] = "fp8"; // the checkpoint is scaled by blocks, whatever the record calls it
  EXPECT_EQ(planOf(values, experts, hopper).quantisation, work::Quantisation::fp8_block);
  EXPECT_EQ(planOf(values, experts, hopper).kvCache, DType::bf16);

  work::Transformer microscaled = experts;
  microscaled.stored = DType::mxfp4;
  values["moe_quant"] = "nvfp4";
  EXPECT_EQ(planOf(values, microscaled, hopper).quantisation, work::Quantisation::mxfp4);
  EXPECT_EQ(planOf(values, microscaled, blackwell).quantisation, work::Quantisation::mxfp4_mxfp8);

  work::Transformer dense;
  EXPECT_EQ(planOf(values, dense, blackwell).parallelism.ep, 1);
  values["moe_quant"] = "two-bit";
  ServedRow row = readServedRow("serving", values);
  EXPECT_FALSE(completePlan(row, values, experts, hopper).ok());
}

TEST(ServedHabits, TensorRtLlmGathersTokensOfAsFewDevicesAsATokenHasChoices) {
  work::Transformer model;
  model.moe.experts = 256;
  model.moe.experts_per_token = 8;
  hw::Chip chip;
  const auto exchange = [&](const char *software, const char *devices) {
    RowValues values = recorded();
    values["software"] = software;
    values["tp"] = values["moe_tp"] = "1";
    values["attention_dp"] = values["moe_ep"] = devices;
    ServedRow row = readServedRow("serving", values);
    EXPECT_TRUE(completePlan(row, values, model, chip).ok());
    return row.scenario.plan.parallelism.exchange;
  };
  EXPECT_EQ(exchange("trtllm-1.2.0rc6.post2", "8"), work::ExpertExchange::all_gather);
  EXPECT_EQ(exchange("trtllm-1.2.0rc6.post2", "16"), work::ExpertExchange::all_to_all);
  EXPECT_EQ(exchange("sglang-0.5.9", "8"), work::ExpertExchange::all_to_all);
}

TEST(ServedHabits, DisaggregatedWorkersAreCountedByTheirRanks) {
  RowValues values = {{"target", "b200-sxm"},
                      {"op", "serving_disaggregated"},
                      {"model", "deepseek-ai/DeepSeek-V3"},
                      {"software", "trtllm-0.8.1.post2"},
                      {"weight_precision", "fp8"},
                      {"isl", "8192"},
                      {"osl", "1024"},
                      {"prefill_num_workers", "1"},
                      {"prefill_tp_size", "1"},
                      {"prefill_attention_dp_size", "8"},
                      {"prefill_moe_ep_size", "8"},
                      {"decode_batch_size", "32"},
                      {"decode_num_workers", "2"},
                      {"decode_tp_size", "1"},
                      {"decode_attention_dp_size", "8"},
                      {"decode_moe_ep_size", "8"}};
  const ServedRow row = readServedRow("serving_disaggregated", values);
  ASSERT_TRUE(row.scenario.disaggregated);
  EXPECT_EQ(row.unusable, "");
  EXPECT_EQ(row.scenario.disaggregated->prefill.dp, 8);
  EXPECT_EQ(row.scenario.concurrency, 512); // of each rank of each decode worker
  values.erase("prefill_num_workers");
  EXPECT_NE(readServedRow("serving_disaggregated", values).unusable, "");
}

} // namespace
} // namespace mansard::report
