#include "commands.h"

#include <mansard/base/names.h>
#include <mansard/report/kernel_report.h>

#include <algorithm>
#include <map>
#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ViewOptions view;
  std::map<std::string, std::string, std::less<>> columns; // given as flags
};

/// The flag of a column: kv_len is --kv-len; a single letter may also be given as -m.
std::string flagOf(std::string_view column) {
  std::string flag(column);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return column.size() == 1 ? "-" + flag + ",--" + flag : "--" + flag;
}

int run(uint32_t op, const Options &options) {
  auto kernel = work::fromColumns(op, options.columns);
  if (!kernel)
    return fail(kernel.error());
  hw::Catalog catalog;
  host::Host host(catalog);
  auto model = options.target.open(host);
  if (!model)
    return fail(model.error());
  auto report = report::collectKernel(*model, *kernel);
  if (!report)
    return fail(report.error());
  return options.view.show(*report, report::kernelTable, report::kernelJson, report::kernelCsv);
}

std::string meaning(uint32_t op) {
  switch (op) {
  case MANSARD_OP_MATMUL:
    return "Matrix multiplication: out[m,n] = a[m,k] x w[k,n]";
  case MANSARD_OP_GROUPED_MATMUL:
    return "Independent matrix multiplications of one shape";
  case MANSARD_OP_ATTENTION_PREFILL:
    return "Softmax attention over a prompt";
  case MANSARD_OP_ATTENTION_DECODE:
    return "Softmax attention of new tokens over a KV cache";
  case MANSARD_OP_MLA_PREFILL:
    return "Multi-head latent attention over a prompt, keys and values expanded";
  case MANSARD_OP_MLA_DECODE:
    return "Multi-head latent attention of new tokens over the latent cache, absorbed";
  case MANSARD_OP_VECTOR:
    return "Element-wise work, norms, softmax, quantisation, copies";
  case MANSARD_OP_MOE:
    return "A device's share of a mixture of experts";
  case MANSARD_OP_COLLECTIVE:
    return "A collective over the links";
  case MANSARD_OP_EXPERT_PARALLEL:
    return "Tokens to their experts' devices, and back";
  default:
    return "Work given by its counts";
  }
}

void addOp(CLI::App &kernel, uint32_t op, const std::shared_ptr<Options> &options, int &status) {
  CLI::App *command = kernel.add_subcommand(std::string(kOpNames[op]), meaning(op));
  options->target.addTo(*command);
  for (const work::ColumnInfo &column : work::columnsOf(op)) {
    std::string about(column.meaning);
    if (!column.defaultsTo.empty())
      about += " (default: " +
               (column.defaultsTo == "dtype" ? "that of --dtype" : std::string(column.defaultsTo)) +
               ")";
    command
        ->add_option_function<std::string>(
            flagOf(column.name),
            [options, name = std::string(column.name)](const std::string &text) {
              options->columns.insert_or_assign(name, text);
            },
            about)
        ->required(column.defaultsTo.empty())
        ->type_name("");
  }
  options->view.addTo(*command, true);
  command->callback([op, options, &status] { status = run(op, *options); });
}

} // namespace

void addKernel(CLI::App &app, int &status) {
  CLI::App *kernel = app.add_subcommand("kernel", "Price one kernel on one device of a target");
  kernel->require_subcommand(1);
  kernel->footer("Examples:\n"
                 "  mansard kernel gemm --target h100-sxm --m 4096 --n 4096 --k 7168 --dtype bf16\n"
                 "  mansard kernel gemm --target ascend-910b --m 64 --n 7168 --k 2048 --dtype int8 "
                 "--scaling token --json\n"
                 "  mansard kernel attention_decode --target h20 --batch 64 --q-len 1 --kv-len "
                 "8192 --heads 32 \\\n"
                 "      --kv-heads 8 --head-dim 128 --dtype bf16 --kv-dtype fp8\n"
                 "  mansard kernel collective --target h100-sxm --kind all_reduce --ranks 8 "
                 "--size-bytes 16777216\n"
                 "  mansard kernel gemm --target mlu590 --m 8 --n 8192 --k 8192 --dtype fp16 --set "
                 "memory.technology=hbm3\n"
                 "  mansard kernel llvm saxpy.ll --target h100-sxm --grid 4096 --block 256 --arg "
                 "n=1048576\n"
                 "`mansard kernel OP --help` lists the dimensions of an op.");
  const auto options = std::make_shared<Options>();
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    addOp(*kernel, op, options, status);
  addKernelLlvm(*kernel, status);
}

} // namespace mansard::cli
