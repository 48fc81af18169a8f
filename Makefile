# Every target sets itself up from nothing but python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
    { echo "rnn-goldens needs Python 3.11 or newer; try: make PYTHON=python3.11" >&2; exit 1; }

.PHONY: help gates demo test slow lint generate check-corpus bench bench-page hostile bench-generation false-alarms onnx-backend nothing-unchecked corpus-coverage exhaustive mutants coverage diagnosis fuzzing conformance scaling certifying-speed results engines examples pages validators docs docs-check audit release release-rehearsal build clean

# Tests start hundreds of processes: what these import is compiled once.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo          the documented scenarios, end to end"
	@echo "make test          the tests that answer soon: two minutes or so on two cores"
	@echo "make slow          all others: whole commands, killed processes, whole cross products"
	@echo "make lint          ruff, mypy, and that nothing imports upward"
	@echo "make generate      scenarios into golden files, kill matrices and the pages made from them"
	@echo "make check-corpus  that the committed corpus is what the scenarios make"
	@echo "make docs          the documentation site, and each of its pages in a headless Chromium"
	@echo "make build         wheel and sdist"
	@echo "make gates         what takes too long for .ci/run: before a release, and before an issue is resolved"
	@echo "make results       the pages of results, measured anew"
	@echo "CONTRIBUTING.md has all other targets."

# The demo needs less than the tests: where their environment is not there, it gets one with its extras and torch for the CPU,
# 0.9 GB. Where the index of that is not reached, whatever torch pip finds will do.
DEMO := $(if $(wildcard $(READY)),$(VENV),build/demo-env)
TORCH_FOR_CPU ?= https://download.pytorch.org/whl/cpu
build/demo-env/.ready: pyproject.toml
	@$(NEW_ENOUGH)
	@echo "Setting up build/demo-env (once; torch is a large download) ..."
	@mkdir -p build
	@$(PYTHON) -m venv --clear build/demo-env
	@build/demo-env/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --retries 1 \
	    --extra-index-url $(TORCH_FOR_CPU) 'torch>=2.2'
	@build/demo-env/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[generate,torch]'
	@touch $@

demo: $(DEMO)/.ready
	@$(DEMO)/bin/python examples/demo.py

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p rnn_goldens
	$(BIN)/mypy --explicit-package-bases tests conformance examples benchmarks docs/site
	$(BIN)/lint-imports --no-cache

generate: $(READY)
	$(BIN)/rnn-goldens generate
	$(BIN)/python -m rnn_goldens.generator.deviation_page fixtures/v1 docs/deviations.md
	$(BIN)/python -m rnn_goldens.generator.equations_page docs/equations.md
	$(BIN)/python -m rnn_goldens.generator.rules_page fixtures/v1 docs/rules.md
	$(BIN)/python -m rnn_goldens.generator.schema_files schema
	$(BIN)/python -m rnn_goldens.generator.readme_figures .

check-corpus: $(READY)
	$(BIN)/rnn-goldens generate --check
	$(BIN)/rnn-goldens validate fixtures

# The wheel as others install it, beside the plugins it is compared with; torch is the checkout's.
BENCH := build/bench
$(BENCH)/.ready: $(READY) pyproject.toml benchmarks/performance/requirements.txt
	rm -rf $(BENCH)
	$(PYTHON) -m venv $(BENCH)/venv
	$(BIN)/python -m build --wheel --outdir $(BENCH) . >/dev/null
	$(BENCH)/venv/bin/python -m pip install --quiet --disable-pip-version-check "$$(echo $(BENCH)/*.whl)[generate]" \
	    -r benchmarks/performance/requirements.txt
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > "$$($(BENCH)/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch_of_the_checkout.pth"
	mkdir -p $(BENCH)/examples && cp -r benchmarks $(BENCH)/ && cp -r examples/programs $(BENCH)/examples/
	touch $@

bench: $(BENCH)/.ready
	cd $(BENCH) && venv/bin/python -m benchmarks.performance --wheel *.whl

bench-page: $(BENCH)/.ready
	cd $(BENCH) && venv/bin/python -m benchmarks.performance --wheel *.whl --page ../../docs/performance.md

# JSON that anybody may have written, from a fixed seed, a minute; fails if one raises another error, or takes too much.
hostile: $(READY)
	$(BIN)/python -m benchmarks.hostile

# The whole corpus on two cores; fails if it takes longer, or more memory, than it may.
bench-generation: $(READY)
	$(BIN)/python -m benchmarks.generation_cost

# What JAX compiles for one of these the other finds again: compiling is most of what its implementations take.
false-alarms conformance engines engine-equinox engine-tests-equinox: export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/build/jax
false-alarms conformance engines engine-equinox engine-tests-equinox: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
false-alarms conformance engines engine-equinox engine-tests-equinox: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES := -1

# Correct implementations against every golden, and its gradients, some eight minutes; fails if one of them does. Of what JAX
# compiles for gradients, the most of it all, every seventh golden: `make results` checks all.
false-alarms: $(READY)
	$(BIN)/python -m benchmarks.false_alarms
	$(BIN)/python -m benchmarks.gradient_false_alarms --every 7

# ONNX's own backend tests and the corpus, put through the same deviations; fails if ONNX's tests are not read as ONNX means them.
onnx-backend: $(READY)
	$(BIN)/python -m benchmarks.onnx_backend

# Honest mistakes, each in every way of running; fails if one is called passed, or what is right is not.
nothing-unchecked: $(READY)
	$(BIN)/python -m benchmarks.nothing_unchecked

# What the corpus asks of everything a network can depend on; fails if something is not asked.
corpus-coverage: $(READY)
	$(BIN)/python -m benchmarks.corpus_coverage

# check --exhaustive of three implementations, about a minute; fails if one is wrong anywhere.
exhaustive: $(READY)
	$(BIN)/python -m benchmarks.exhaustive

# Cosmic Ray's mutants of the modules that decide right from wrong, of what is committed, in a clone. Its report lists those that
# survive: some are as right as the original, each other one needs a test.
MUTANTS := build/mutants
mutants: $(READY)
	rm -rf $(MUTANTS)
	git clone --quiet . $(MUTANTS)
	cd $(MUTANTS) && export PATH="$(abspath $(BIN)):$$PATH" PYTHONPATH="$$PWD" && \
	    cosmic-ray init benchmarks/mutants.toml session.sqlite && \
	    cosmic-ray exec benchmarks/mutants.toml session.sqlite && \
	    cr-report --surviving-only --show-diff session.sqlite && cr-rate session.sqlite

# Every branch of the modules that decide right from wrong, a minute; fails if one is not run.
DECIDING := golden/expected golden/gradients golden/precision golden/shapes golden/tolerance golden/whole_number \
    judging/calls judging/differences judging/given judging/outputs judging/own_arrays judging/place judging/verdict \
    encoding/documents encoding/files encoding/semantics encoding/tree
comma := ,
coverage: $(READY)
	$(BIN)/coverage run --branch --data-file=build/coverage --include=$(subst .py ,.py$(comma),$(DECIDING:%=rnn_goldens/%.py)) \
	    -m pytest -q -p no:cacheprovider -m "not slow" tests/golden tests/judging tests/checkable tests/encoding tests/corpus
	$(BIN)/coverage report --data-file=build/coverage --show-missing --fail-under=100

# Wrong networks of many kinds, diagnosed as a run is, a minute; fails if one is told a wrong name, or nothing.
diagnosis: $(READY)
	$(BIN)/python -m benchmarks.diagnosis --first 20

# fuzz with the lowest and the newest Hypothesis: five wrong networks and a crash are found; and correct implementations on drawn goldens.
fuzzing: $(READY)
	$(BIN)/python -m benchmarks.hypothesis_versions
	$(BIN)/python -m benchmarks.drawn_goldens --examples 40

# The gates that .ci/run leaves out, more than an hour: before a release, and before a change of the corpus counts as done.
gates: slow coverage examples pages validators release-rehearsal bench-generation exhaustive diagnosis false-alarms conformance nothing-unchecked fuzzing

# What frameworks and the example programs make of every golden, some eight minutes; fails if docs/conformance.json says otherwise.
PROGRAMS := --program examples/programs/my_rnn --program "node examples/programs/my_rnn.js" \
    --program "node examples/programs/my_rnn_tfjs.js" --program "python3 examples/programs/my_rnn.py"
BUILT_IN := numpy torch torch-cells onnxruntime onnx-reference keras-torch keras-jax flax
ROWS := $(wildcard docs/engines/*.json)
REPORT := $(BIN)/rnn-goldens report $(BUILT_IN) $(PROGRAMS) $(ROWS:%=--with %) --gradients --known-failures docs/known-failures -n 2

conformance: $(READY)
	@mkdir -p build
	$(REPORT) --against docs/conformance.json --output build/conformance.json

# Engines that take too long for CI, or cannot share an environment: each has one of its own, its tests and its row of the
# report, which is kept in docs/engines. Several GB to download, more than an hour; `make engine-mlx` is one of them.
ENGINES := $(patsubst conformance/requirements/%.txt,%,$(wildcard conformance/requirements/*.txt))
ENGINE_TESTS := tests/conformance
NAME_OF_ENGINE = $(if $(wildcard conformance/$*.py),conformance.$*:run,$*)

engines: $(ENGINES:%=engine-%)

engine-keras-tensorflow engine-tflite engine-tests-keras-tensorflow engine-tests-tflite: export KERAS_BACKEND := tensorflow

.PHONY: $(ENGINES:%=engine-%) $(ENGINES:%=engine-tests-%)
$(ENGINES:%=engine-%): engine-%: engine-tests-%
	@mkdir -p docs/engines
	build/engines/$*/bin/rnn-goldens report $(NAME_OF_ENGINE) --gradients --known-failures docs/known-failures --time-limit 300 -n 2 \
	    --output docs/engines/$*.json

$(ENGINES:%=engine-tests-%): engine-tests-%: build/engines/%/.ready
	ENGINE=$* build/engines/$*/bin/python -m pytest -q -W default $(ENGINE_TESTS)

.PRECIOUS: build/engines/%/.ready
build/engines/%/.ready: pyproject.toml conformance/requirements/%.txt
	$(PYTHON) -m venv --clear build/engines/$*
	build/engines/$*/bin/python -m pip install --quiet --disable-pip-version-check pytest-asyncio pytest-xdist \
	    --editable '.[generate,hypothesis]' --requirement conformance/requirements/$*.txt
	@touch $@

# A hundred, a thousand and ten thousand goldens: certified, listed, checked.
scaling: $(READY)
	$(BIN)/python -m benchmarks.scaling

# The same answers by ball arithmetic and by mpmath; fails if one is another.
certifying-speed: $(READY)
	$(BIN)/python -m benchmarks.certifying_speed

# The pages in docs/results and docs/conformance.md, measured anew; times want a machine that does nothing else.
results: $(READY)
	$(BIN)/python -m benchmarks.false_alarms --write
	$(BIN)/python -m benchmarks.gradient_false_alarms --write
	$(BIN)/python -m benchmarks.onnx_backend --write
	$(BIN)/python -m benchmarks.generation_cost --write
	$(BIN)/python -m benchmarks.scaling --write
	$(BIN)/python -m benchmarks.certifying_speed --write
	$(BIN)/python -m benchmarks.nothing_unchecked --write
	$(BIN)/python -m benchmarks.corpus_coverage --write
	$(BIN)/python -m benchmarks.exhaustive --write
	$(BIN)/python -m benchmarks.diagnosis --write
	$(BIN)/python -m benchmarks.diagnosis.backward --write
	$(BIN)/python -m benchmarks.drawn_goldens --write
	$(BIN)/python -m benchmarks.hostile --write
	$(MAKE) bench-page
	$(REPORT) --output docs/conformance.json --page docs/conformance.md

# Readers and programs in other languages, with what they need installed: apt-get where that may be, npm ci.
examples: $(READY)
	examples/install.sh
	$(MAKE) -C examples/readers PYTHON=$(abspath $(BIN))/python
	$(MAKE) -C examples/programs
	$(MAKE) -C examples/c
	$(BIN)/rnn-goldens check --rnn-goldens-gradients -q -- examples/programs/my_rnn
	$(BIN)/rnn-goldens check --rnn-goldens-gradients -q -- node examples/programs/my_rnn.js
	NOTHING_SKIPPED=1 $(BIN)/python -m pytest -n 2 tests/examples

# The page of a run as its readers see it: nothing is skipped for want of a browser.
pages: $(READY)
	examples/install.sh
	NOTHING_SKIPPED=1 $(BIN)/python -m pytest tests/pages

# The schemas, each alone, and every file under three validators of others; fails if one says no, or takes what is wrong.
VALIDATORS := build/validators
$(VALIDATORS)/.ready: $(READY) examples/validators/package-lock.json
	@command -v npm >/dev/null || examples/install.sh
	npm --prefix examples/validators ci --ignore-scripts --no-audit --no-fund
	$(PYTHON) -m venv --clear $(VALIDATORS)
	$(VALIDATORS)/bin/python -m pip install --quiet --disable-pip-version-check --editable . check-jsonschema
	@touch $@

validators: $(VALIDATORS)/.ready
	$(VALIDATORS)/bin/python examples/validators/validate.py

# The site, in an environment of its own that needs no torch; a dead link, or a page without a place in the navigation, fails.
DOCS := build/docs-env
$(DOCS)/.ready: pyproject.toml
	@mkdir -p build
	@$(PYTHON) -m venv --clear $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

docs: $(DOCS)/.ready
	rm -rf build/docs build/doctrees
	PYTHONPATH=docs/site $(DOCS)/bin/sphinx-build --quiet --fail-on-warning --keep-going -c docs/site -d build/doctrees docs build/docs
	$(MAKE) docs-check

# Each page of build/docs as readers see it, on a phone and on a desk: no dead link, no error, nothing to be scrolled sideways.
docs-check: $(DOCS)/.ready
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || examples/install.sh
	$(DOCS)/bin/python docs/site/check_site.py build/docs

# What builds and releases, in an environment of its own that needs no torch.
RELEASE := build/release-env
$(RELEASE)/.ready:
	@$(NEW_ENOUGH)
	@mkdir -p build
	@$(PYTHON) -m venv --clear $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check \
	    'build>=1.2' 'pip-audit>=2.7' 'towncrier>=24.8' 'twine>=6.1'
	@touch $@

build: $(RELEASE)/.ready
	rm -rf dist
	$(RELEASE)/bin/python -m build --outdir dist .
	$(RELEASE)/bin/twine check --strict dist/*

# What the wheel and its light extras bring, as a user gets it. Fails if a vulnerability is known, or if the service does not answer
# for a package; one that does not matter here is left out by --ignore-vuln ID, with the reason beside it.
AUDIT := build/audit
audit: $(RELEASE)/.ready
	$(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip '.[generate,hypothesis,html,safetensors,onnx]'
	$(AUDIT)/bin/python -m pip uninstall --quiet --yes rnn-goldens
	$(RELEASE)/bin/pip-audit --strict --path $(AUDIT)/lib/python*/site-packages

release: $(RELEASE)/.ready
	@test -n "$(VERSION)" || { echo "which version? make release VERSION=0.2.0" >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "what is released is a commit, and git status lists changes" >&2; exit 1; }
	@test -z "$$(git tag --list v$(VERSION))" || { echo "the tag v$(VERSION) exists" >&2; exit 1; }
	sed -i 's/^version = .*/version = "$(VERSION)"/' pyproject.toml
	$(RELEASE)/bin/towncrier build --yes --version $(VERSION)
	$(MAKE) build
	git commit --quiet --all --message "release: $(VERSION)"
	git tag --annotate v$(VERSION) --message "rnn-goldens $(VERSION)"
	@echo "left to do: git push origin HEAD v$(VERSION); $(RELEASE)/bin/twine upload dist/*"

release-rehearsal: $(RELEASE)/.ready
	rm -rf build/rehearsal
	git clone --quiet . build/rehearsal
	git -C build/rehearsal config user.name rehearsal
	git -C build/rehearsal config user.email rehearsal@example.org
	$(MAKE) -C build/rehearsal release VERSION=999.0.0 RELEASE=$(abspath $(RELEASE))

clean:
	rm -rf $(VENV) build dist

$(READY): pyproject.toml
	@$(NEW_ENOUGH)
	@echo "Setting up $(VENV) (once; torch is a large download) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
