#include <mansard/report/training_measurements.h>

#include <gtest/gtest.h>

namespace mansard::report {
namespace {

const RowValues kRow{
    {"model", "gpt-175b"},    {"dtype", "fp16"},   {"seq", "2048"}, {"tp", "8"},
    {"global_batch", "64"},   {"interleave", "3"}, {"sp", "1"},     {"recompute", "selective"},
    {"attention", "unfused"}, {"dropout", "1"},    {"overlap", "0"}};

TEST(TrainingMeasurements, ARowIsAPlanAndEmptyCellsTheUsual) {
  const TrainedRow row = readTrainedRow(kRow);
  EXPECT_EQ(row.unusable, "");
  EXPECT_EQ(row.model, "gpt-175b");
  EXPECT_EQ(row.plan.precision, work::Quantisation::fp16);
  EXPECT_EQ(row.plan.parallelism.tp, 8);
  EXPECT_EQ(row.plan.parallelism.pp, 1);
  EXPECT_TRUE(row.plan.parallelism.sp);
  EXPECT_EQ(row.plan.virtual_stages, 3);
  EXPECT_EQ(row.plan.micro_batch, 1);
  EXPECT_EQ(row.plan.zero, 0);
  EXPECT_EQ(row.plan.method.recompute, system::Recompute::selective);
  EXPECT_EQ(row.plan.method.attention, system::AttentionMethod::unfused);
  EXPECT_TRUE(row.plan.method.dropout);
  EXPECT_FALSE(row.plan.overlap);
  EXPECT_EQ(row.plan.optimizer, system::Optimizer::adam);
}

TEST(TrainingMeasurements, WhatMakesNoPlanIsUnusableAndSaysWhy) {
  RowValues values = kRow;
  values["recompute"] = "some";
  EXPECT_NE(readTrainedRow(values).unusable.find("none, selective, full"), std::string::npos);
  values = kRow;
  values["tp"] = "eight";
  EXPECT_EQ(readTrainedRow(values).unusable, "tp 'eight' is not a whole number");
}

} // namespace
} // namespace mansard::report
