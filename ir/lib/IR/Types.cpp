// Element types and the ABI's data types.
#include <IR/Mansard.h>

#include <llvm/ADT/TypeSwitch.h>

namespace mansard::ir {

std::optional<DType> dtypeOf(mlir::Type type) {
  using Answer = std::optional<DType>;
  return llvm::TypeSwitch<mlir::Type, Answer>(type)
      .Case<mlir::BFloat16Type>([](auto) { return DType::bf16; })
      .Case<mlir::Float16Type>([](auto) { return DType::fp16; })
      .Case<mlir::Float32Type>([](auto) { return DType::fp32; })
      .Case<mlir::Float64Type>([](auto) { return DType::fp64; })
      .Case<mlir::FloatTF32Type>([](auto) { return DType::tf32; })
      .Case<mlir::Float8E4M3FNType, mlir::Float8E5M2Type>([](auto) { return DType::fp8; })
      .Case<MxFp8Type>([](auto) { return DType::mxfp8; })
      .Case<MxFp4Type>([](auto) { return DType::mxfp4; })
      .Case<NvFp4Type>([](auto) { return DType::nvfp4; })
      .Case<mlir::IntegerType>([](mlir::IntegerType integer) -> Answer {
        switch (integer.getWidth()) {
        case 32:
          return DType::int32;
        case 8:
          return DType::int8;
        case 4:
          return DType::int4;
        default:
          return std::nullopt;
        }
      })
      .Default([](auto) { return std::nullopt; });
}

mlir::Type typeOf(mlir::MLIRContext *context, DType dtype) {
  mlir::Builder builder(context);
  switch (dtype) {
  case DType::fp64:
    return builder.getF64Type();
  case DType::fp32:
    return builder.getF32Type();
  case DType::tf32:
    return builder.getTF32Type();
  case DType::bf16:
    return builder.getBF16Type();
  case DType::fp16:
    return builder.getF16Type();
  case DType::fp8:
    return builder.getFloat8E4M3FNType();
  case DType::mxfp8:
    return MxFp8Type::get(context);
  case DType::int8:
    return builder.getI8Type();
  case DType::int4:
    return builder.getIntegerType(4);
  case DType::nvfp4:
    return NvFp4Type::get(context);
  case DType::mxfp4:
    return MxFp4Type::get(context);
  case DType::int32:
    return builder.getI32Type();
  }
  return {};
}

DType dtypeOf(mlir::Value tensor) {
  return *dtypeOf(llvm::cast<mlir::RankedTensorType>(tensor.getType()).getElementType());
}

uint32_t codeOf(mlir::Value tensor) { return static_cast<uint32_t>(dtypeOf(tensor)); }

llvm::ArrayRef<int64_t> shapeOf(mlir::Value tensor) {
  return llvm::cast<mlir::RankedTensorType>(tensor.getType()).getShape();
}

double bytesOf(mlir::RankedTensorType type) {
  double bytes = mansard::bytesOf(*dtypeOf(type.getElementType()));
  for (int64_t size : type.getShape())
    bytes *= static_cast<double>(size);
  return bytes;
}

} // namespace mansard::ir
