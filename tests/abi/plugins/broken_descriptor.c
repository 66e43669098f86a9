/* Plugins whose descriptor is wrong in one way: the build defines BROKEN as one of these. */
#include <mansard/sdk/abi.h>

#include <stddef.h>

#define NOTHING 0
#define SYMBOL 1 /* none is exported */
#define DESCRIPTOR 2
#define MAJOR 3
#define SIZE 4
#define ID 5   /* empty */
#define NAME 6 /* not the file's */
#define CREATE 7
#define DESTROY 8
#define ESTIMATE 9
#define KEYS 10   /* one has no name */
#define TARGET 11 /* redefines "taken", which the test puts into the catalog first */

#if !defined(BROKEN) || !defined(PLUGIN_ID)
#error "the build defines BROKEN and PLUGIN_ID"
#endif
#define TEXT(literal)                                                                              \
  { literal, sizeof(literal) - 1 }

static char instance; /* estimates need no state */

static int32_t create(const mansard_chip *chip, mansard_instance **out, mansard_error *error) {
  (void)chip;
  (void)error;
  *out = (mansard_instance *)(void *)&instance;
  return MANSARD_OK;
}
static void destroy(mansard_instance *self) { (void)self; }
static int32_t estimate(const mansard_instance *self, const mansard_kernel *kernels, uint64_t count,
                        uint64_t kernel_stride, mansard_estimate *estimates,
                        uint64_t estimate_stride) {
  (void)self, (void)kernels, (void)count, (void)kernel_stride, (void)estimates;
  (void)estimate_stride;
  return MANSARD_ERROR_INTERNAL;
}

static const char kTarget[] = "id = \"taken\"\n";
static const mansard_string kTargets[] = {{kTarget, sizeof kTarget - 1}};
static const mansard_key_spec kKeys[] = {
    {sizeof(mansard_key_spec), 0, {NULL, 0}, TEXT(""), TEXT("a key without a name")}};

const mansard_plugin kBrokenPlugin = {
    .struct_size = BROKEN == SIZE ? 16 : sizeof(mansard_plugin),
    .abi_major = BROKEN == MAJOR ? MANSARD_ABI_MAJOR + 1 : MANSARD_ABI_MAJOR,
    .abi_minor = MANSARD_ABI_MINOR,
    .id = {BROKEN == NAME ? "another" : PLUGIN_ID, BROKEN == ID     ? 0
                                                   : BROKEN == NAME ? sizeof("another") - 1
                                                                    : sizeof(PLUGIN_ID) - 1},
    .version = TEXT("1"),
    .description = TEXT("broken on purpose"),
    .keys = kKeys,
    .key_count = BROKEN == KEYS,
    .key_stride = sizeof *kKeys,
    .targets = kTargets,
    .target_count = BROKEN == TARGET,
    .create = BROKEN == CREATE ? NULL : create,
    .destroy = BROKEN == DESTROY ? NULL : destroy,
    .estimate = BROKEN == ESTIMATE ? NULL : estimate,
};

#if BROKEN != SYMBOL
const mansard_plugin *mansard_plugin_entry(uint32_t host_major, uint32_t host_minor) {
  (void)host_major;
  (void)host_minor;
  return BROKEN == DESCRIPTOR ? NULL : &kBrokenPlugin;
}
#endif
