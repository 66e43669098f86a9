// What operations and bits of a chip take of energy, where its description does not say: from the
// process it is made in and a few constants fitted on measured power.
//
// Derived numbers join the chip's own: a description, or an override, may state each of them.
//   energy.matrix_pJ.<dtype>  of an operation of the matrix unit, at energy.clock_GHz
//   energy.vector_pJ          of an operation of the vector unit on 32 bits, likewise
//   energy.path_pJ_per_bit    of a bit on its way between memory interface and core
//   energy.scale              of all these: 1, and how far the fit may be off
//   energy.link_pJ_per_bit    of a bit sent to another device
//   energy.scratchpad_pJ_per_byte, energy.cache_pJ_per_byte   the process's own
//   power.active_W            beyond the idle power while kernels run
// tests/validation/power.csv holds the measurements, tests/validation/fit_power.cpp the fit.
#pragma once

#include <mansard/hw/chip.h>
#include <mansard/hw/process_node.h>

#include <cstdint>

namespace mansard::hw {

struct EnergyConstants {
  /// Share of what the thermal design power leaves beyond the idle power: clocks that tick and
  /// transistors that leak at working voltage, however little a kernel does.
  double activeShare;
  /// Bytes from a scratchpad that an operation of the matrix unit takes, in widths of its operands:
  /// delivery of operands, registers and control, shared by all of a fragment.
  double matrixAccesses;
  /// The same of the vector unit, whose every operation is fetched, decoded and fed alone.
  double vectorAccesses;
  double path_pJ_per_bit; // beyond the memory's own energy, mostly wires: no process shortens them
  double link_pJ_per_bit;
  double error; // share by which chips that are left out of the fit lie beside it
};
extern const EnergyConstants kEnergyConstants;

/// Adds what `chip` lacks. Nothing for types whose energy its family has fitted. `node` may be
/// null: energies of operations stay unknown.
void deriveEnergy(Chip &chip, const ProcessNode *node,
                  const EnergyConstants &constants = kEnergyConstants);

/// Of an operation of the matrix unit at the chip's clock, in pJ; 0: not known. What the chip's
/// numbers lack the family's constants have, fitted on matmuls that its power slows. A type that
/// the unit lacks takes what the next wider one does.
double matrixEnergy_pJ(const Chip &chip, uint32_t dtype);
/// Of an operation of the vector unit on 32 bits at the chip's clock; 0: not known.
double vectorEnergy_pJ(const Chip &chip);
/// Of a bit between memory interface and core.
double pathEnergy_pJ_per_bit(const Chip &chip);
/// Whether power of the chip, or of chips of its family, was measured; the generic family is none.
bool powerMeasured(const Chip &chip);
/// Of a package without work, in W; a share of its thermal design power where its description has
/// none.
double idlePower_W(const Chip &chip);
/// Of a package that runs kernels, whatever they do, in W; 0: not known.
double staticPower_W(const Chip &chip);

} // namespace mansard::hw
