// Two programs side by side: what is matched with what, and what the difference is put down to.

#include <mansard/host/host.h>
#include <mansard/model/timeline.h>
#include <mansard/report/diff_report.h>

#include <gtest/gtest.h>

#include <numeric>

namespace mansard::report {
namespace {

class DiffReportTest : public ::testing::Test {
protected:
  DiffReportTest()
      : host_(catalog_),
        target_(std::move(host_.open("h100-sxm", {{"model", "generic"}, {"family", "generic"}}))
                    .value()) {}

  static work::Kernel vector(uint32_t kind, int64_t rows) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.vector.rows = rows;
    kernel.u.vector.cols = 4096;
    kernel.u.vector.kind = kind;
    return kernel;
  }

  model::StepEstimate step(const std::vector<std::pair<const char *, work::Kernel>> &kernels) {
    model::StepEstimate out;
    for (const auto &[name, kernel] : kernels)
      out.program.steps.push_back({work::internKernel(out.program, kernel), 1, 0, 0, name});
    model::Evaluator evaluator(out.program);
    EXPECT_TRUE(evaluator.run(target_).ok());
    out.estimates = evaluator.estimates();
    out.steps = evaluator.steps();
    out.timeline = evaluator.timeline();
    return out;
  }

  hw::Catalog catalog_;
  host::Host host_;
  host::Model target_;
};

TEST_F(DiffReportTest, TheSameProgramDiffersInNothing) {
  const auto a = step(
      {{"add", vector(MANSARD_VECTOR_ADD, 4096)}, {"norm", vector(MANSARD_VECTOR_RMSNORM, 4096)}});
  const DiffReport report = collectDiff(a, a, target_);
  ASSERT_EQ(report.lines.size(), 2u);
  for (const DiffLine &line : report.lines) {
    ASSERT_TRUE(line.a && line.b);
    EXPECT_EQ(line.a->name, line.b->name);
    EXPECT_EQ(line.difference_us, 0);
  }
  EXPECT_NE(diffTable(report).find("A and B take the same time"), std::string::npos);
}

TEST_F(DiffReportTest, AFusedKernelStandsBesideWhatItReplacesAndDifferencesAddUp) {
  const auto copy = vector(MANSARD_VECTOR_COPY, 1000);
  const auto a = step({{"before", copy},
                       {"add", vector(MANSARD_VECTOR_ADD, 65536)},
                       {"norm", vector(MANSARD_VECTOR_RMSNORM, 65536)},
                       {"after", copy}});
  const auto b = step(
      {{"before", copy}, {"norm", vector(MANSARD_VECTOR_ADD_RMSNORM, 65536)}, {"after", copy}});
  const DiffReport report = collectDiff(a, b, target_);
  ASSERT_EQ(report.lines.size(), 4u);
  EXPECT_FALSE(report.lines[1].b) << "the addition has gone";
  ASSERT_TRUE(report.lines[2].a && report.lines[2].b);
  EXPECT_EQ(report.lines[2].a->name, "norm") << "one name is a better match than another";
  const double sum = std::accumulate(
      report.lines.begin(), report.lines.end(), 0.0,
      [](double so_far, const DiffLine &line) { return so_far + line.difference_us; });
  EXPECT_NEAR(sum, b.timeline.total_us - a.timeline.total_us, 1e-6);
  EXPECT_LT(sum, 0);
  EXPECT_EQ(report.a.kernels - report.b.kernels, 1);
  EXPECT_EQ(report.lines[1].because, static_cast<uint32_t>(MANSARD_BOUND_DRAM));
}

TEST_F(DiffReportTest, OneOperationIsNotMatchedWithAnother) {
  work::Kernel matmul = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  matmul.u.matmul.m = matmul.u.matmul.n = matmul.u.matmul.k = 512;
  const auto a = step({{"x", matmul}});
  const auto b = step({{"x", vector(MANSARD_VECTOR_ADD, 512)}});
  const DiffReport report = collectDiff(a, b, target_);
  ASSERT_EQ(report.lines.size(), 2u);
  EXPECT_FALSE(report.lines[0].b);
  EXPECT_FALSE(report.lines[1].a);
}

TEST_F(DiffReportTest, LongProgramsAreComparedInTime) {
  std::vector<std::pair<const char *, work::Kernel>> many, others;
  for (int64_t i = 1; i <= 3000; ++i) {
    many.emplace_back("a", vector(MANSARD_VECTOR_ADD, i));
    others.emplace_back("b", vector(MANSARD_VECTOR_RMSNORM, i));
  }
  const DiffReport report = collectDiff(step(many), step(others), target_);
  EXPECT_EQ(report.lines.size(), 6000u);
  ASSERT_FALSE(report.notes.empty());
  EXPECT_NE(report.notes.front().find("too long to match"), std::string::npos);
}

} // namespace
} // namespace mansard::report
