"""The benchmarks, in the order in which ``results`` runs them: timings first, while the machine is quiet."""

from benchmarks.benchmark import Benchmark, Option
from benchmarks.page import ROOT

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Waiting threads of BLAS and torch use CPU time, too."""

CACHED = {
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / "build" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""Compiling takes most of the time of implementations in JAX, which therefore share a cache."""

ONLY = Option("only", "", "only implementations whose name contains this text")


def every(what: str, default: int = 1) -> Option:
    """Return an option that selects a part."""
    return Option("every", default, f"only every Nth {what}")


# fmt: off
BENCHMARKS = (
    Benchmark("performance", "what the plugin costs a project, compared with another plugin",
              "3 minutes", "benchmarks.performance.environment:measured", "cost.md",
              options=(Option("runs", 15, "runs of each command"),)),
    Benchmark("generation-cost", "the cost of generating the corpus; fails beyond its limits of time or memory",
              "2 minutes", "benchmarks.generation_cost:measured", "cost.md",
              packages=("numpy", "torch", "python-flint", "h5py")),
    Benchmark("certifying-speed", "the speed of certification for growing networks",
              "1 minute", "benchmarks.certifying_speed:measured", "cost.md",
              packages=("numpy", "torch", "python-flint"), environment=ONE_THREAD),
    Benchmark("large-goldens", "CPU time and memory of certifying one large golden",
              "12 minutes", "benchmarks.large_goldens:measured", "cost.md",
              packages=("numpy", "python-flint"), environment=ONE_THREAD,
              options=(Option("most", 128, "only goldens of at most N units"),
                       Option("steps", 257, "only recurrences of at most N steps"),
                       Option("seconds", 100.0, "only what is predicted to take at most N seconds"),
                       Option("only", "", "only cells whose name contains this text"),
                       Option("other", "", "another checkout, which is measured in turn"))),
    Benchmark("certification-estimate", "the seconds that generate predicts, compared with measured ones",
              "4 minutes", "benchmarks.certification_estimate:measured", "cost.md",
              packages=("numpy", "torch", "python-flint"), environment=ONE_THREAD,
              options=(Option("most", 100.0, "only goldens that are predicted to take at most N seconds"),
                       Option("fit", False, "print constants for generator/predicted_cost.py"))),
    Benchmark("scaling", "the cost of certifying, listing and checking 100 to 10,000 goldens",
              "3 minutes", "benchmarks.scaling:measured", "cost.md",
              packages=("numpy", "torch", "python-flint", "h5py", "pytest-xdist"),
              options=(Option("counts", (100, 1000, 10000), "numbers of goldens"),)),
    Benchmark("recurrences", "goldens of recurrences: right and wrong implementations; fails if a right one fails",
              "1 minute", "benchmarks.recurrences.sections:measured", "recurrences.md",
              packages=("numpy", "torch", "jax", "onnx", "onnxruntime"), environment={**ONE_THREAD, **CACHED}),
    Benchmark("library-kernels", "kernels of libraries on every golden, as `engines` measured them",
              "1 second", "benchmarks.library_kernels:measured", "recurrences.md"),
    Benchmark("fla-versions", "the convolution of flash-linear-attention 0.5.2 and 0.6.0; needs PyPI and 2 GB each",
              "1 minute", "benchmarks.fla_versions:measured", "recurrences.md",
              packages=("numpy",), environment={**ONE_THREAD, **CACHED}),
    Benchmark("hostile", "damaged and hostile JSON in every reader; fails on another error, or beyond its limits",
              "1 minute", "benchmarks.hostile:measured", "robustness.md", packages=("msgspec", "numpy"),
              options=(Option("seed", 1, "of the random changes"),)),
    Benchmark("nothing-unchecked", "mistakes by every command; fails if a wrong golden passes, or a right one fails",
              "2 minutes", "benchmarks.nothing_unchecked:measured", "robustness.md",
              packages=("pytest", "pytest-xdist", "numpy")),
    Benchmark("onnx-backend", "bugs that pass ONNX's backend tests, and bugs that pass the corpus",
              "1 minute", "benchmarks.onnx_backend:measured", "coverage.md", packages=("onnx", "numpy")),
    Benchmark("corpus-coverage", "sizes and arguments that the corpus covers; fails if one is missing",
              "1 minute", "benchmarks.corpus_coverage:measured", "coverage.md", packages=("numpy",)),
    Benchmark("beyond-sizes", "kernels that are wrong only beyond a size, or two, and that no golden detects",
              "2 minutes", "benchmarks.beyond_sizes:measured", "coverage.md",
              packages=("numpy",), environment=ONE_THREAD),
    Benchmark("kernel-goldens", "goldens at the sizes of kernels; fails if a right one fails or a bug is not detected",
              "1 minute", "benchmarks.kernel_goldens:measured", "correctness.md",
              packages=("numpy", "torch"), environment=ONE_THREAD),
    Benchmark("exhaustive", "every half-precision argument of activations; fails if an implementation is wrong",
              "1 minute", "benchmarks.exhaustive:measured", "correctness.md",
              packages=("numpy", "torch", "onnxruntime")),
    Benchmark("drawn-goldens", "correct implementations on random goldens; fails if one fails",
              "1 minute", "benchmarks.false_alarms:measured_drawn", "correctness.md",
              packages=("numpy", "torch", "hypothesis"), environment=CACHED,
              options=(Option("examples", 200, "goldens for each implementation"), ONLY)),
    Benchmark("false-alarms", "correct implementations on every golden; fails if one fails",
              "3 minutes", "benchmarks.false_alarms:measured", "correctness.md",
              packages=("numpy", "ml_dtypes", "torch", "onnx", "onnxruntime", "keras", "flax", "jax"),
              environment=CACHED, options=(ONLY, every("golden, of implementations that compile"))),
    Benchmark("gradient-false-alarms", "correct backward passes on every golden with gradients; fails if one fails",
              "2 minutes", "benchmarks.false_alarms:measured_gradients", "correctness.md",
              packages=("numpy", "ml_dtypes", "torch", "keras", "flax", "jax"), environment=CACHED,
              options=(ONLY, every("golden, of implementations that compile", 7))),
    Benchmark("larger-sizes", "correct implementations on goldens in larger sizes; fails if one fails",
              "2 minutes", "benchmarks.larger_sizes:measured", "correctness.md",
              packages=("numpy", "torch", "onnxruntime"), environment=ONE_THREAD,
              options=(Option("implementations", (), "as for check; default: numpy, torch and onnxruntime"),
                       Option("only", "", "only cells whose name contains this text"))),
    Benchmark("diagnosis", "causes that are named for wrong outputs and gradients; fails if one is wrong or missing",
              "4 minutes", "benchmarks.diagnosis.causes:measured", "diagnosis.md", packages=("numpy", "torch"),
              environment=ONE_THREAD, options=(Option("first", 600, "only N random implementations; 0: all"),)),
    Benchmark("profiles", "simulations of the profiles tf32 and wgsl, and what goldens detect under them",
              "1 minute", "benchmarks.profiles:measured", "profiles.md", packages=("numpy",), environment=ONE_THREAD,
              options=(every("golden"),)),
    Benchmark("carriers", "verdicts of archive, npm package and C header; fails if one differs from Python's",
              "1 minute", "benchmarks.carriers.verdicts:measured", "carriers.md",
              packages=("numpy", "torch", "onnx", "safetensors")),
    Benchmark("dialects", "what engines compute for dialects; writes the columns of these engines",
              "1 minute", "benchmarks.dialects:measured", environment=CACHED, writes=True,
              options=(Option("engines", (), "default: those of this environment"),)),
    Benchmark("conformance", "frameworks and example programs on every golden, and the list of known defects",
              "15 minutes", "benchmarks.conformance:measured", environment=CACHED, writes=True,
              options=(Option("against", False, "fail if docs/conformance.json differs"),)),
    Benchmark("engines", "engines in environments of their own: tests, defects, dialects, and docs/engines/NAME.json",
              "more than an hour, several GB each", "benchmarks.engines:measured", environment=CACHED,
              options=(Option("engines", (), "default: all"),)),
    Benchmark("hypothesis-versions", "fuzz with the lowest and the newest Hypothesis on wrong networks; needs PyPI",
              "3 minutes", "benchmarks.hypothesis_versions:measured"),
    Benchmark("mutants", "mutants of the modules that decide what passes, of the last commit: lists those that survive",
              "hours; --sample 100: 10 minutes", "benchmarks.mutants:measured",
              options=(Option("sample", 0, "only N random mutants, the same ones as long as the modules are the same"),
                       Option("seed", 1, "of the sample"))),
    Benchmark("deciding-coverage", "branch coverage of the modules that decide what passes; fails below 100 %",
              "1 minute", "benchmarks.deciding_coverage:measured"),
)
# fmt: on
