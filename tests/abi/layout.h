/* The interface's layout and codes as first released, asserted by whoever includes this file: C and
 * C++ alike, on 64-bit machines. A line may be added; none may change while the major stays. Structs
 * with a size or room of their own may grow (LAYOUT_LEAST).
 */
#ifndef MANSARD_TESTS_ABI_LAYOUT_H
#define MANSARD_TESTS_ABI_LAYOUT_H

#include <mansard/sdk/abi.h>

#include <stddef.h>

#ifdef __cplusplus
#define LAYOUT_ASSERT(condition, text) static_assert(condition, text)
#else
#define LAYOUT_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define LAYOUT_SIZE(type, bytes) LAYOUT_ASSERT(sizeof(type) == bytes, #type " has another size")
#define LAYOUT_LEAST(type, bytes) LAYOUT_ASSERT(sizeof(type) >= bytes, #type " has shrunk")
#define LAYOUT_FIELD(type, field, offset, bytes)                                                   \
  LAYOUT_ASSERT(offsetof(type, field) == offset && sizeof(((type *)0)->field) == bytes,            \
                #type "." #field " has moved")
#define LAYOUT_CODE(name, value) LAYOUT_ASSERT(name == value, #name " has another value")

/* clang-format off */
/* mansard_string */
LAYOUT_SIZE(mansard_string, 16);
LAYOUT_FIELD(mansard_string, data, 0, 8);
LAYOUT_FIELD(mansard_string, size, 8, 8);

/* mansard_error */
LAYOUT_LEAST(mansard_error, 32);
LAYOUT_FIELD(mansard_error, struct_size, 0, 4);
LAYOUT_FIELD(mansard_error, code, 4, 4);
LAYOUT_FIELD(mansard_error, data, 8, 8);
LAYOUT_FIELD(mansard_error, capacity, 16, 8);
LAYOUT_FIELD(mansard_error, size, 24, 8);

/* mansard_matmul */
LAYOUT_LEAST(mansard_matmul, 48);
LAYOUT_FIELD(mansard_matmul, m, 0, 8);
LAYOUT_FIELD(mansard_matmul, n, 8, 8);
LAYOUT_FIELD(mansard_matmul, k, 16, 8);
LAYOUT_FIELD(mansard_matmul, epilogue, 24, 4);
LAYOUT_FIELD(mansard_matmul, reserved, 28, 4);
LAYOUT_FIELD(mansard_matmul, tile_m, 32, 4);
LAYOUT_FIELD(mansard_matmul, tile_n, 36, 4);
LAYOUT_FIELD(mansard_matmul, tile_k, 40, 4);
LAYOUT_FIELD(mansard_matmul, split_k, 44, 4);

/* mansard_grouped_matmul */
LAYOUT_LEAST(mansard_grouped_matmul, 32);
LAYOUT_FIELD(mansard_grouped_matmul, groups, 0, 8);
LAYOUT_FIELD(mansard_grouped_matmul, m, 8, 8);
LAYOUT_FIELD(mansard_grouped_matmul, n, 16, 8);
LAYOUT_FIELD(mansard_grouped_matmul, k, 24, 8);

/* mansard_attention */
LAYOUT_LEAST(mansard_attention, 64);
LAYOUT_FIELD(mansard_attention, batch, 0, 8);
LAYOUT_FIELD(mansard_attention, q_len, 8, 8);
LAYOUT_FIELD(mansard_attention, kv_len, 16, 8);
LAYOUT_FIELD(mansard_attention, heads, 24, 8);
LAYOUT_FIELD(mansard_attention, kv_heads, 32, 8);
LAYOUT_FIELD(mansard_attention, head_dim, 40, 8);
LAYOUT_FIELD(mansard_attention, window, 48, 8);
LAYOUT_FIELD(mansard_attention, causal, 56, 4);
LAYOUT_FIELD(mansard_attention, sinks, 60, 4);

/* mansard_mla */
LAYOUT_LEAST(mansard_mla, 64);
LAYOUT_FIELD(mansard_mla, batch, 0, 8);
LAYOUT_FIELD(mansard_mla, q_len, 8, 8);
LAYOUT_FIELD(mansard_mla, kv_len, 16, 8);
LAYOUT_FIELD(mansard_mla, heads, 24, 8);
LAYOUT_FIELD(mansard_mla, latent_dim, 32, 8);
LAYOUT_FIELD(mansard_mla, rope_dim, 40, 8);
LAYOUT_FIELD(mansard_mla, nope_dim, 48, 8);
LAYOUT_FIELD(mansard_mla, value_dim, 56, 8);

/* mansard_vector */
LAYOUT_LEAST(mansard_vector, 32);
LAYOUT_FIELD(mansard_vector, rows, 0, 8);
LAYOUT_FIELD(mansard_vector, cols, 8, 8);
LAYOUT_FIELD(mansard_vector, topk, 16, 8);
LAYOUT_FIELD(mansard_vector, kind, 24, 4);
LAYOUT_FIELD(mansard_vector, reserved, 28, 4);

/* mansard_moe */
LAYOUT_LEAST(mansard_moe, 72);
LAYOUT_FIELD(mansard_moe, tokens, 0, 8);
LAYOUT_FIELD(mansard_moe, hidden, 8, 8);
LAYOUT_FIELD(mansard_moe, inter, 16, 8);
LAYOUT_FIELD(mansard_moe, topk, 24, 8);
LAYOUT_FIELD(mansard_moe, experts, 32, 8);
LAYOUT_FIELD(mansard_moe, tp, 40, 8);
LAYOUT_FIELD(mansard_moe, ep, 48, 8);
LAYOUT_FIELD(mansard_moe, alpha, 56, 8);
LAYOUT_FIELD(mansard_moe, distribution, 64, 4);
LAYOUT_FIELD(mansard_moe, gated, 68, 4);

/* mansard_collective */
LAYOUT_LEAST(mansard_collective, 24);
LAYOUT_FIELD(mansard_collective, ranks, 0, 8);
LAYOUT_FIELD(mansard_collective, size_bytes, 8, 8);
LAYOUT_FIELD(mansard_collective, kind, 16, 4);
LAYOUT_FIELD(mansard_collective, reserved, 20, 4);

/* mansard_expert_parallel */
LAYOUT_LEAST(mansard_expert_parallel, 56);
LAYOUT_FIELD(mansard_expert_parallel, ranks, 0, 8);
LAYOUT_FIELD(mansard_expert_parallel, hidden, 8, 8);
LAYOUT_FIELD(mansard_expert_parallel, tokens, 16, 8);
LAYOUT_FIELD(mansard_expert_parallel, topk, 24, 8);
LAYOUT_FIELD(mansard_expert_parallel, experts, 32, 8);
LAYOUT_FIELD(mansard_expert_parallel, node_limit, 40, 8);
LAYOUT_FIELD(mansard_expert_parallel, direction, 48, 4);
LAYOUT_FIELD(mansard_expert_parallel, mode, 52, 4);

/* mansard_custom */
LAYOUT_LEAST(mansard_custom, 96);
LAYOUT_FIELD(mansard_custom, matrix_operations, 0, 8);
LAYOUT_FIELD(mansard_custom, vector_operations, 8, 8);
LAYOUT_FIELD(mansard_custom, special_operations, 16, 8);
LAYOUT_FIELD(mansard_custom, read_bytes, 24, 8);
LAYOUT_FIELD(mansard_custom, write_bytes, 32, 8);
LAYOUT_FIELD(mansard_custom, l2_bytes, 40, 8);
LAYOUT_FIELD(mansard_custom, link_bytes, 48, 8);
LAYOUT_FIELD(mansard_custom, integer_operations, 56, 8);
LAYOUT_FIELD(mansard_custom, sram_bytes, 64, 8);
LAYOUT_FIELD(mansard_custom, groups, 72, 8);
LAYOUT_FIELD(mansard_custom, groups_per_core, 80, 8);
LAYOUT_FIELD(mansard_custom, group_cycles, 88, 8);

/* mansard_kernel */
LAYOUT_LEAST(mansard_kernel, 120);
LAYOUT_FIELD(mansard_kernel, struct_size, 0, 4);
LAYOUT_FIELD(mansard_kernel, op, 4, 4);
LAYOUT_FIELD(mansard_kernel, dtype, 8, 4);
LAYOUT_FIELD(mansard_kernel, weight_dtype, 12, 4);
LAYOUT_FIELD(mansard_kernel, out_dtype, 16, 4);
LAYOUT_FIELD(mansard_kernel, scaling, 20, 4);
LAYOUT_FIELD(mansard_kernel, u, 24, 96);

/* mansard_tiling */
LAYOUT_SIZE(mansard_tiling, 40);
LAYOUT_FIELD(mansard_tiling, tile_m, 0, 4);
LAYOUT_FIELD(mansard_tiling, tile_n, 4, 4);
LAYOUT_FIELD(mansard_tiling, tile_k, 8, 4);
LAYOUT_FIELD(mansard_tiling, split_k, 12, 4);
LAYOUT_FIELD(mansard_tiling, tiles, 16, 8);
LAYOUT_FIELD(mansard_tiling, waves, 24, 8);
LAYOUT_FIELD(mansard_tiling, cores, 32, 4);
LAYOUT_FIELD(mansard_tiling, stages, 36, 4);

/* mansard_estimate */
LAYOUT_LEAST(mansard_estimate, 168);
LAYOUT_FIELD(mansard_estimate, struct_size, 0, 4);
LAYOUT_FIELD(mansard_estimate, status, 4, 4);
LAYOUT_FIELD(mansard_estimate, latency_us, 8, 8);
LAYOUT_FIELD(mansard_estimate, part_us, 16, 56);
LAYOUT_FIELD(mansard_estimate, operations, 72, 8);
LAYOUT_FIELD(mansard_estimate, dram_read_bytes, 80, 8);
LAYOUT_FIELD(mansard_estimate, dram_write_bytes, 88, 8);
LAYOUT_FIELD(mansard_estimate, link_bytes, 96, 8);
LAYOUT_FIELD(mansard_estimate, bound, 104, 4);
LAYOUT_FIELD(mansard_estimate, flags, 108, 4);
LAYOUT_FIELD(mansard_estimate, tiling, 112, 40);
LAYOUT_FIELD(mansard_estimate, note, 152, 16);
LAYOUT_FIELD(mansard_estimate, held_share, 168, 8);

/* mansard_value */
LAYOUT_SIZE(mansard_value, 24);
LAYOUT_FIELD(mansard_value, key, 0, 16);
LAYOUT_FIELD(mansard_value, value, 16, 8);

/* mansard_link */
LAYOUT_SIZE(mansard_link, 32);
LAYOUT_FIELD(mansard_link, bytes_per_s, 0, 8);
LAYOUT_FIELD(mansard_link, latency_s, 8, 8);
LAYOUT_FIELD(mansard_link, domain, 16, 8);
LAYOUT_FIELD(mansard_link, topology, 24, 4);
LAYOUT_FIELD(mansard_link, in_network_reduction, 28, 4);

/* mansard_chip */
LAYOUT_LEAST(mansard_chip, 584);
LAYOUT_FIELD(mansard_chip, struct_size, 0, 4);
LAYOUT_FIELD(mansard_chip, devices_per_chip, 4, 4);
LAYOUT_FIELD(mansard_chip, id, 8, 16);
LAYOUT_FIELD(mansard_chip, name, 24, 16);
LAYOUT_FIELD(mansard_chip, vendor, 40, 16);
LAYOUT_FIELD(mansard_chip, family, 56, 16);
LAYOUT_FIELD(mansard_chip, model, 72, 16);
LAYOUT_FIELD(mansard_chip, cores, 88, 8);
LAYOUT_FIELD(mansard_chip, clock_hz, 96, 8);
LAYOUT_FIELD(mansard_chip, matrix_ops_per_s, 104, 128);
LAYOUT_FIELD(mansard_chip, vector_ops_per_s, 232, 128);
LAYOUT_FIELD(mansard_chip, special_ops_per_s, 360, 8);
LAYOUT_FIELD(mansard_chip, sram_bytes_per_core, 368, 8);
LAYOUT_FIELD(mansard_chip, sram_bytes_per_s_per_core, 376, 8);
LAYOUT_FIELD(mansard_chip, l2_bytes, 384, 8);
LAYOUT_FIELD(mansard_chip, l2_read_bytes_per_s, 392, 8);
LAYOUT_FIELD(mansard_chip, l2_write_bytes_per_s, 400, 8);
LAYOUT_FIELD(mansard_chip, l2_latency_s, 408, 8);
LAYOUT_FIELD(mansard_chip, dram_bytes, 416, 8);
LAYOUT_FIELD(mansard_chip, dram_peak_bytes_per_s, 424, 8);
LAYOUT_FIELD(mansard_chip, dram_read_bytes_per_s, 432, 8);
LAYOUT_FIELD(mansard_chip, dram_mixed_bytes_per_s, 440, 8);
LAYOUT_FIELD(mansard_chip, dram_latency_s, 448, 8);
LAYOUT_FIELD(mansard_chip, dram_access_bytes, 456, 8);
LAYOUT_FIELD(mansard_chip, tdp_watts, 464, 8);
LAYOUT_FIELD(mansard_chip, links, 472, 96);
LAYOUT_FIELD(mansard_chip, values, 568, 8);
LAYOUT_FIELD(mansard_chip, value_count, 576, 8);
LAYOUT_FIELD(mansard_chip, node, 584, 32);

/* mansard_key_spec */
LAYOUT_LEAST(mansard_key_spec, 56);
LAYOUT_FIELD(mansard_key_spec, struct_size, 0, 4);
LAYOUT_FIELD(mansard_key_spec, required, 4, 4);
LAYOUT_FIELD(mansard_key_spec, key, 8, 16);
LAYOUT_FIELD(mansard_key_spec, unit, 24, 16);
LAYOUT_FIELD(mansard_key_spec, meaning, 40, 16);

/* mansard_plugin */
LAYOUT_LEAST(mansard_plugin, 136);
LAYOUT_FIELD(mansard_plugin, struct_size, 0, 4);
LAYOUT_FIELD(mansard_plugin, abi_major, 4, 4);
LAYOUT_FIELD(mansard_plugin, abi_minor, 8, 4);
LAYOUT_FIELD(mansard_plugin, reserved, 12, 4);
LAYOUT_FIELD(mansard_plugin, id, 16, 16);
LAYOUT_FIELD(mansard_plugin, version, 32, 16);
LAYOUT_FIELD(mansard_plugin, description, 48, 16);
LAYOUT_FIELD(mansard_plugin, keys, 64, 8);
LAYOUT_FIELD(mansard_plugin, key_count, 72, 8);
LAYOUT_FIELD(mansard_plugin, key_stride, 80, 8);
LAYOUT_FIELD(mansard_plugin, targets, 88, 8);
LAYOUT_FIELD(mansard_plugin, target_count, 96, 8);
LAYOUT_FIELD(mansard_plugin, create, 104, 8);
LAYOUT_FIELD(mansard_plugin, destroy, 112, 8);
LAYOUT_FIELD(mansard_plugin, estimate, 120, 8);
LAYOUT_FIELD(mansard_plugin, get_extension, 128, 8);

/* An operation's dimensions have room for twelve numbers. */
LAYOUT_FIELD(mansard_kernel, u.pad, 24, 96);

/* codes */
LAYOUT_CODE(MANSARD_OK, 0);
LAYOUT_CODE(MANSARD_ERROR_INVALID_ARGUMENT, 1);
LAYOUT_CODE(MANSARD_ERROR_UNSUPPORTED, 2);
LAYOUT_CODE(MANSARD_ERROR_INVALID_CHIP, 3);
LAYOUT_CODE(MANSARD_ERROR_INTERNAL, 4);
LAYOUT_CODE(MANSARD_DTYPE_FP64, 0u);
LAYOUT_CODE(MANSARD_DTYPE_FP32, 1u);
LAYOUT_CODE(MANSARD_DTYPE_TF32, 2u);
LAYOUT_CODE(MANSARD_DTYPE_BF16, 3u);
LAYOUT_CODE(MANSARD_DTYPE_FP16, 4u);
LAYOUT_CODE(MANSARD_DTYPE_FP8, 5u);
LAYOUT_CODE(MANSARD_DTYPE_MXFP8, 6u);
LAYOUT_CODE(MANSARD_DTYPE_INT8, 7u);
LAYOUT_CODE(MANSARD_DTYPE_INT4, 8u);
LAYOUT_CODE(MANSARD_DTYPE_NVFP4, 9u);
LAYOUT_CODE(MANSARD_DTYPE_MXFP4, 10u);
LAYOUT_CODE(MANSARD_DTYPE_INT32, 11u);
LAYOUT_CODE(MANSARD_DTYPE_SLOTS, 16u);
LAYOUT_CODE(MANSARD_SCALING_NONE, 0u);
LAYOUT_CODE(MANSARD_SCALING_TENSOR, 1u);
LAYOUT_CODE(MANSARD_SCALING_CHANNEL, 2u);
LAYOUT_CODE(MANSARD_SCALING_TOKEN, 3u);
LAYOUT_CODE(MANSARD_SCALING_BLOCK, 4u);
LAYOUT_CODE(MANSARD_SCALING_GROUP, 5u);
LAYOUT_CODE(MANSARD_BOUND_MATRIX, 0u);
LAYOUT_CODE(MANSARD_BOUND_VECTOR, 1u);
LAYOUT_CODE(MANSARD_BOUND_SRAM, 2u);
LAYOUT_CODE(MANSARD_BOUND_L2, 3u);
LAYOUT_CODE(MANSARD_BOUND_DRAM, 4u);
LAYOUT_CODE(MANSARD_BOUND_LINK, 5u);
LAYOUT_CODE(MANSARD_BOUND_FIXED, 6u);
LAYOUT_CODE(MANSARD_OP_MATMUL, 0u);
LAYOUT_CODE(MANSARD_OP_GROUPED_MATMUL, 1u);
LAYOUT_CODE(MANSARD_OP_ATTENTION_PREFILL, 2u);
LAYOUT_CODE(MANSARD_OP_ATTENTION_DECODE, 3u);
LAYOUT_CODE(MANSARD_OP_MLA_PREFILL, 4u);
LAYOUT_CODE(MANSARD_OP_MLA_DECODE, 5u);
LAYOUT_CODE(MANSARD_OP_VECTOR, 6u);
LAYOUT_CODE(MANSARD_OP_MOE, 7u);
LAYOUT_CODE(MANSARD_OP_COLLECTIVE, 8u);
LAYOUT_CODE(MANSARD_OP_EXPERT_PARALLEL, 9u);
LAYOUT_CODE(MANSARD_OP_CUSTOM, 10u);
LAYOUT_CODE(MANSARD_EPILOGUE_BIAS, 1u);
LAYOUT_CODE(MANSARD_EPILOGUE_ADD, 2u);
LAYOUT_CODE(MANSARD_EPILOGUE_SILU_MUL, 4u);
LAYOUT_CODE(MANSARD_EPILOGUE_GELU, 8u);
LAYOUT_CODE(MANSARD_EPILOGUE_QUANTIZE, 16u);
LAYOUT_CODE(MANSARD_PROLOGUE_QUANTIZE, 32u);
LAYOUT_CODE(MANSARD_VECTOR_ADD, 0u);
LAYOUT_CODE(MANSARD_VECTOR_ADD_RMSNORM, 1u);
LAYOUT_CODE(MANSARD_VECTOR_RMSNORM, 2u);
LAYOUT_CODE(MANSARD_VECTOR_LAYERNORM, 3u);
LAYOUT_CODE(MANSARD_VECTOR_SILU_MUL, 4u);
LAYOUT_CODE(MANSARD_VECTOR_GELU, 5u);
LAYOUT_CODE(MANSARD_VECTOR_SOFTMAX, 6u);
LAYOUT_CODE(MANSARD_VECTOR_QUANTIZE, 7u);
LAYOUT_CODE(MANSARD_VECTOR_QUANTIZE_DYNAMIC, 8u);
LAYOUT_CODE(MANSARD_VECTOR_COPY, 9u);
LAYOUT_CODE(MANSARD_VECTOR_ROPE, 10u);
LAYOUT_CODE(MANSARD_VECTOR_GATHER, 11u);
LAYOUT_CODE(MANSARD_VECTOR_SCATTER, 12u);
LAYOUT_CODE(MANSARD_VECTOR_TOPK, 13u);
LAYOUT_CODE(MANSARD_VECTOR_MUL, 14u);
LAYOUT_CODE(MANSARD_COLLECTIVE_ALL_REDUCE, 0u);
LAYOUT_CODE(MANSARD_COLLECTIVE_ALL_GATHER, 1u);
LAYOUT_CODE(MANSARD_COLLECTIVE_REDUCE_SCATTER, 2u);
LAYOUT_CODE(MANSARD_COLLECTIVE_ALLTOALL, 3u);
LAYOUT_CODE(MANSARD_COLLECTIVE_SEND, 4u);
LAYOUT_CODE(MANSARD_DISTRIBUTION_BALANCED, 0u);
LAYOUT_CODE(MANSARD_DISTRIBUTION_POWER_LAW, 1u);
LAYOUT_CODE(MANSARD_EP_DISPATCH, 0u);
LAYOUT_CODE(MANSARD_EP_COMBINE, 1u);
LAYOUT_CODE(MANSARD_EP_MODE_LOW_LATENCY, 0u);
LAYOUT_CODE(MANSARD_EP_MODE_NORMAL, 1u);
LAYOUT_CODE(MANSARD_ESTIMATE_FALLBACK, 1u);
LAYOUT_CODE(MANSARD_ESTIMATE_UNCALIBRATED, 2u);
LAYOUT_CODE(MANSARD_ESTIMATE_DOES_NOT_TILE, 4u);
LAYOUT_CODE(MANSARD_TOPOLOGY_SWITCH, 0u);
LAYOUT_CODE(MANSARD_TOPOLOGY_MESH, 1u);
LAYOUT_CODE(MANSARD_TOPOLOGY_RING, 2u);
LAYOUT_CODE(MANSARD_TOPOLOGY_BUS, 3u);
LAYOUT_CODE(MANSARD_LINK_DIE, 0u);
LAYOUT_CODE(MANSARD_LINK_SCALE_UP, 1u);
LAYOUT_CODE(MANSARD_LINK_SCALE_OUT, 2u);
/* clang-format on */

#endif
