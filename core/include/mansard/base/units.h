// Factors between the units that files and tables use and the SI units that the models compute in.
#pragma once

namespace mansard {

inline constexpr double kKilo = 1e3, kMega = 1e6, kGiga = 1e9, kTera = 1e12;
inline constexpr double kMicro = 1e-6, kNano = 1e-9, kPico = 1e-12;
inline constexpr double kKiB = 1024.0, kMiB = 1024.0 * 1024, kGiB = 1024.0 * 1024 * 1024;

constexpr double toMicroseconds(double seconds) { return seconds * 1e6; }
constexpr double ceilDiv(double a, double b) {
  const double quotient = a / b;
  const auto whole = static_cast<long long>(quotient);
  return static_cast<double>(whole) < quotient ? static_cast<double>(whole + 1)
                                               : static_cast<double>(whole);
}
constexpr long long ceilDiv(long long a, long long b) { return (a + b - 1) / b; }
constexpr long long ceilDiv(long a, long b) { return (a + b - 1) / b; }

} // namespace mansard
