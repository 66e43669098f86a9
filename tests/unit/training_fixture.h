// The forward pass of a GPT as the lowering gives it, for tests that need no front end.
#pragma once

#include <mansard/system/training_program.h>

namespace mansard {

/// Sizes by the names that Korthikanti et al. (arXiv 2205.05198) give them.
struct Gpt {
  int64_t a = 64, b = 4, h = 6144, L = 48, s = 2048, t = 1, v = 51200;
  bool sequenceParallel = false;
};

class GptForward {
public:
  explicit GptForward(const Gpt &g) : g_(g), rows_(g.b * g.s) {
    const int64_t own = g.sequenceParallel ? rows_ / g.t : rows_;
    vector("embed", MANSARD_VECTOR_GATHER, own, g.h, 1);
    block("layers.attention", own);
    matmul("layers.attention.qkv_proj", 3 * g.h / g.t, g.h, g.L);
    attention();
    matmul("layers.attention.o_proj", g.h, g.h / g.t, g.L);
    sum("layers.attention");
    block("layers.ffn", own);
    matmul("layers.ffn.up_proj", 4 * g.h / g.t, g.h, g.L);
    vector("layers.ffn.activation", MANSARD_VECTOR_GELU, rows_, 4 * g.h / g.t, g.L);
    matmul("layers.ffn.down_proj", g.h, 4 * g.h / g.t, g.L);
    sum("layers.ffn");
    vector("final_norm", MANSARD_VECTOR_LAYERNORM, own, g.h, 1);
    if (g.sequenceParallel)
      collective("all_gather", MANSARD_COLLECTIVE_ALL_GATHER, 1);
    matmul("lm_head", g.v / g.t, g.h, 1);
    vector("loss", MANSARD_VECTOR_SOFTMAX, rows_, g.v / g.t, 1);
  }

  const work::Program &program() const { return program_; }

private:
  void add(const char *name, const work::Kernel &kernel, int64_t count) {
    program_.steps.push_back({work::internKernel(program_, kernel), count, 0, 0, name});
  }
  void vector(const char *name, uint32_t kind, int64_t rows, int64_t cols, int64_t count) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.vector.kind = kind;
    kernel.u.vector.rows = rows;
    kernel.u.vector.cols = cols;
    add(name, kernel, count);
  }
  void matmul(const char *name, int64_t n, int64_t k, int64_t count) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.matmul.m = rows_;
    kernel.u.matmul.n = n;
    kernel.u.matmul.k = k;
    add(name, kernel, count);
  }
  void attention() {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_ATTENTION_PREFILL, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.attention = {g_.b, g_.s, g_.s, g_.a / g_.t, g_.a / g_.t, g_.h / g_.a, 0, 1, 0};
    add("layers.attention.attend", kernel, g_.L);
  }
  void collective(const char *name, uint32_t kind, int64_t count) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.collective.kind = kind;
    kernel.u.collective.ranks = g_.t;
    kernel.u.collective.size_bytes = 2 * rows_ * g_.h;
    add(name, kernel, count);
  }
  void block(const std::string &name, int64_t rows) {
    vector((name + "_norm.residual").c_str(), MANSARD_VECTOR_ADD, rows, g_.h, g_.L);
    vector((name + "_norm").c_str(), MANSARD_VECTOR_LAYERNORM, rows, g_.h, g_.L);
    if (g_.sequenceParallel)
      collective((name + ".all_gather").c_str(), MANSARD_COLLECTIVE_ALL_GATHER, g_.L);
  }
  void sum(const std::string &name) {
    if (g_.sequenceParallel)
      collective((name + ".reduce_scatter").c_str(), MANSARD_COLLECTIVE_REDUCE_SCATTER, g_.L);
    else if (g_.t > 1)
      collective((name + ".all_reduce").c_str(), MANSARD_COLLECTIVE_ALL_REDUCE, g_.L);
  }

  const Gpt g_;
  const int64_t rows_;
  work::Program program_;
};

} // namespace mansard
