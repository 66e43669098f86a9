#include "example_c_work.h"

static double element_bytes(uint32_t dtype) {
  static const double bits[MANSARD_DTYPE_COUNT] = {64,   32, 32, 16,  16,   8,
                                                   8.25, 8,  4,  4.5, 4.25, 32};
  return bits[dtype] / 8;
}

static double smaller(double a, double b) { return a < b ? a : b; }
static double larger(double a, double b) { return a > b ? a : b; }

/* (query, key) pairs of one head and sequence. Query i sits at position kv - q + i. */
static double visible_pairs(double q, double kv, double window, int causal) {
  double first, last, ramp;
  if (!(window > 0))
    window = kv;
  if (!causal)
    return q * smaller(kv, window);
  first = larger(0, kv - q) + 1;
  last = larger(kv, q);
  if (first >= window)
    return q * window;
  ramp = smaller(last, window);
  return (first + ramp) * (ramp - first + 1) / 2 + (last - ramp) * window;
}

static work count_matmul(const mansard_kernel *k, double groups, double m, double n, double depth) {
  work w = {0};
  w.matrix = 2 * groups * m * n * depth;
  w.read =
      groups * (m * depth * element_bytes(k->dtype) + n * depth * element_bytes(k->weight_dtype));
  w.written = groups * m * n * element_bytes(k->out_dtype);
  w.rows = m;
  return w;
}

static work count_attention(const mansard_kernel *k) {
  const mansard_attention *a = &k->u.attention;
  const double heads = (double)a->batch * (double)a->heads, dim = (double)a->head_dim;
  const double queries = heads * (double)a->q_len;
  const double keys = a->window > 0 ? smaller((double)a->kv_len, (double)(a->window + a->q_len - 1))
                                    : (double)a->kv_len;
  const double pairs =
      heads * visible_pairs((double)a->q_len, (double)a->kv_len, (double)a->window, a->causal != 0);
  work w = {0};
  w.matrix = 4 * pairs * dim;
  w.vector = 4 * pairs;
  w.special = pairs;
  w.read = queries * dim * element_bytes(k->dtype) +
           2 * (double)a->batch * (double)a->kv_heads * keys * dim * element_bytes(k->weight_dtype);
  w.written = queries * dim * element_bytes(k->out_dtype);
  w.rows = queries / ((double)a->batch * (double)a->kv_heads); /* heads that share keys */
  return w;
}

static work count_mla(const mansard_kernel *k) {
  const mansard_mla *a = &k->u.mla;
  const double batch = (double)a->batch, heads = (double)a->heads, kv = (double)a->kv_len;
  const double queries = batch * heads * (double)a->q_len;
  const double pairs = batch * heads * visible_pairs((double)a->q_len, kv, 0, 1);
  const double latent = (double)a->latent_dim, rope = (double)a->rope_dim;
  const double nope = (double)a->nope_dim, value = (double)a->value_dim;
  const int absorbed = k->op == MANSARD_OP_MLA_DECODE;
  const double query = absorbed ? latent + rope : nope + rope, result = absorbed ? latent : value;
  const double cached = absorbed ? latent + rope : heads * (nope + value) + rope;
  work w = {0};
  w.matrix = 2 * pairs * (query + result);
  w.vector = 4 * pairs;
  w.special = pairs;
  w.read = queries * query * element_bytes(k->dtype) +
           batch * kv * cached * element_bytes(k->weight_dtype);
  w.written = queries * result * element_bytes(k->out_dtype);
  w.rows = (double)a->q_len * (absorbed ? heads : 1); /* absorbed: all heads share the latent */
  return w;
}

static work count_vector(const mansard_kernel *k) {
  /* Operations and special functions for each output element, and tensors read. */
  static const struct {
    double operations, special, inputs;
  } kinds[MANSARD_VECTOR_COUNT] = {{1, 0, 2}, {5, 0, 2}, {4, 0, 1}, {7, 0, 1}, {4, 2, 2},
                                   {6, 1, 1}, {4, 1, 1}, {2, 0, 1}, {4, 0, 1}, {0, 0, 1},
                                   {3, 0, 1}, {0, 0, 1}, {0, 0, 1}, {2, 1, 1}, {1, 0, 2}};
  const mansard_vector *v = &k->u.vector;
  const double elements = (double)v->rows * (double)v->cols;
  work w = {0};
  w.vector = kinds[v->kind].operations * elements;
  w.special = kinds[v->kind].special * elements;
  w.read = kinds[v->kind].inputs * elements * element_bytes(k->dtype);
  w.written = elements * element_bytes(k->out_dtype);
  if (v->kind == MANSARD_VECTOR_TOPK)
    w.written = (double)v->rows * (double)v->topk * 8; /* value and index */
  if (v->kind == MANSARD_VECTOR_ADD_RMSNORM)
    w.written += elements * element_bytes(k->dtype); /* the sum is kept */
  return w;
}

/* Assignments dealt evenly over the experts. */
static work count_moe(const mansard_kernel *k) {
  const mansard_moe *moe = &k->u.moe;
  const double local = (double)moe->experts / (double)moe->ep;
  const double pairs = (double)moe->tokens * (double)moe->topk / (double)moe->ep;
  const double touched = smaller(local, pairs), matrices = moe->gated ? 3 : 2;
  const double inter = (double)moe->inter / (double)moe->tp, hidden = (double)moe->hidden;
  const double rows = smaller((double)moe->tokens, pairs);
  work w = {0};
  w.matrix = 2 * pairs * matrices * hidden * inter;
  w.vector = 4 * pairs * inter;
  w.special = 2 * pairs * inter;
  w.read = touched * matrices * hidden * inter * element_bytes(k->weight_dtype) +
           rows * hidden * element_bytes(k->dtype);
  w.written = rows * hidden * element_bytes(k->out_dtype);
  w.rows = touched > 0 ? pairs / touched : 0;
  return w;
}

static work count_collective(const mansard_kernel *k) {
  const mansard_collective *c = &k->u.collective;
  const double ranks = (double)c->ranks, size = (double)c->size_bytes;
  work w = {0};
  w.ranks = ranks;
  w.sent = size * (ranks - 1) / ranks;
  if (c->kind == MANSARD_COLLECTIVE_ALL_REDUCE)
    w.sent *= 2;
  if (c->kind == MANSARD_COLLECTIVE_SEND)
    w.sent = ranks > 1 ? size : 0;
  return w;
}

/* Every token goes to each of its experts on its own, whatever the mode. */
static work count_expert_parallel(const mansard_kernel *k) {
  const mansard_expert_parallel *e = &k->u.expert_parallel;
  const double bytes = (double)e->tokens * (double)e->hidden * element_bytes(k->dtype);
  work w = {0};
  w.ranks = (double)e->ranks;
  w.sent = bytes * (double)e->topk * (w.ranks - 1) / w.ranks;
  w.read = w.written = bytes;
  if (e->direction == MANSARD_EP_COMBINE)
    w.vector = 2 * (double)e->tokens * (double)e->hidden * (double)e->topk;
  return w;
}

static work count_custom(const mansard_kernel *k) {
  const mansard_custom *c = &k->u.custom;
  work w = {0};
  w.matrix = c->matrix_operations;
  w.vector = c->vector_operations;
  w.special = c->special_operations;
  w.read = c->read_bytes;
  w.written = c->write_bytes;
  w.sent = c->link_bytes;
  return w;
}

int count_work(const mansard_kernel *k, work *w) {
  if (k->dtype >= MANSARD_DTYPE_COUNT || k->weight_dtype >= MANSARD_DTYPE_COUNT ||
      k->out_dtype >= MANSARD_DTYPE_COUNT)
    return 0;
  switch (k->op) {
  case MANSARD_OP_MATMUL:
    *w = count_matmul(k, 1, (double)k->u.matmul.m, (double)k->u.matmul.n, (double)k->u.matmul.k);
    return 1;
  case MANSARD_OP_GROUPED_MATMUL:
    *w = count_matmul(k, (double)k->u.grouped_matmul.groups, (double)k->u.grouped_matmul.m,
                      (double)k->u.grouped_matmul.n, (double)k->u.grouped_matmul.k);
    return 1;
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    *w = count_attention(k);
    return 1;
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    *w = count_mla(k);
    return 1;
  case MANSARD_OP_VECTOR:
    if (k->u.vector.kind >= MANSARD_VECTOR_COUNT)
      return 0;
    *w = count_vector(k);
    return 1;
  case MANSARD_OP_MOE:
    *w = count_moe(k);
    return 1;
  case MANSARD_OP_COLLECTIVE:
    *w = count_collective(k);
    return 1;
  case MANSARD_OP_EXPERT_PARALLEL:
    *w = count_expert_parallel(k);
    return 1;
  case MANSARD_OP_CUSTOM:
    *w = count_custom(k);
    return 1;
  default:
    return 0;
  }
}
