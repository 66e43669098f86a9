// The ways in which the misbehaving plugin can break the contract.
#pragma once

enum class Way {
  none,
  createThrows,
  createThrowsNumber,
  createFailsSilently,
  createClaimsALongerMessage,
  createMakesNothing,
  destroyThrows,
  estimateThrows,
  estimateThrowsNumber,
  refusesTheCall,
  forgetsOne,
  notANumber,
  infinite,
  negative,
  negativePart,
  wrongSum,
  unknownBound,
  notTheBound,
  unknownStatus,
  negativeBytes,
  notANumberOfOperations,
  overwritesSize,
};
