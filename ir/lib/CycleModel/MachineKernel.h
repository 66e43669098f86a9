// A kernel as machine code of the stand-in instruction set, block by block.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/MC/MCInst.h>

#include <string>
#include <vector>

namespace mansard::ir {

struct MachineBlock {
  std::string source;   // name of the IR block; blocks that the back end made have none
  double frequency = 1; // the back end's guess, relative to the entry
  int loop = -1;        // innermost, an index into MachineKernel::loops
  std::vector<llvm::MCInst> code;
  double executions = 0; // by a wave; see weighBlocks()
};

struct MachineLoop {
  int parent = -1;
  int header = 0; // an index into MachineKernel::blocks
};

struct MachineKernel {
  std::vector<MachineBlock> blocks; // in the code's order
  std::vector<MachineLoop> loops;
  int vectorRegisters = 0, scalarRegisters = 0;
  double scratchBytes = 0, ldsBytes = 0;
  int spilled = 0; // registers kept in scratch
};

} // namespace mansard::ir
