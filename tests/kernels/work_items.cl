// OpenCL C, with the work-item functions as calls.
kernel void saxpy(int n, float a, global const float *x, global float *y) {
  int i = get_global_id(0);
  if (i < n)
    y[i] = fma(a, x[i], y[i]);
}

// The local array's size comes with the launch.
kernel void reduce(global const float *in, global float *out, local float *part) {
  int t = get_local_id(0);
  part[t] = in[get_global_id(0)];
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int s = get_local_size(0) / 2; s > 0; s /= 2) {
    if (t < s)
      part[t] += part[t + s];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (t == 0)
    out[get_group_id(0)] = part[0];
}

kernel void __attribute__((reqd_work_group_size(64, 1, 1)))
gelu(global const float *x, global float *y) {
  int i = get_global_id(0);
  y[i] = 0.5f * x[i] * (1.0f + tanh(0.797884f * x[i]));
}
