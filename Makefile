# Every target creates its own environment; it needs only python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RELEASE := build/release-env

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
    { echo "rnn-goldens needs Python 3.11 or newer; try: make PYTHON=python3.11" >&2; exit 1; }

.PHONY: help gates demo test slow lint generate check-corpus bench bench-page hostile bench-generation false-alarms onnx-backend nothing-unchecked corpus-coverage exhaustive mutants coverage diagnosis fuzzing conformance defects scaling certifying-speed results engines examples javascript vectors carriers pages validators docs docs-check audit release release-rehearsal build clean

# Tests start hundreds of processes, which share compiled modules.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo          run the documented scenarios end to end"
	@echo "make test          run the fast tests: about two minutes on two cores"
	@echo "make slow          run the slow tests: whole commands, killed processes, full cross products"
	@echo "make lint          run ruff, mypy and the import contracts"
	@echo "make generate      write golden files, kill matrices and generated pages from the scenarios"
	@echo "make check-corpus  check that the committed corpus equals what the scenarios generate"
	@echo "make docs          build the documentation site and check every page in headless Chromium"
	@echo "make build         build wheel and sdist"
	@echo "make gates         run the gates that are too slow for .ci/run, before a release or resolving an issue"
	@echo "make results       measure again and write the result pages"
	@echo "CONTRIBUTING.md lists all other targets."

# The demo needs less than the tests: without their environment it creates a smaller one with torch for CPU, 0.9 GB. If that
# package index cannot be reached, pip installs its default torch.
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
	$(BIN)/mypy --explicit-package-bases tests conformance examples benchmarks docs/site javascript vectors
	$(BIN)/lint-imports --no-cache

generate: $(READY)
	$(BIN)/rnn-goldens generate
	$(BIN)/python -m rnn_goldens.generator.deviation_page fixtures/v1 docs/deviations.md
	$(BIN)/python -m rnn_goldens.generator.equations_page docs/equations.md
	$(BIN)/python -m rnn_goldens.generator.rules_page fixtures/v1 docs/rules.md
	$(BIN)/python -m rnn_goldens.generator.schema_files schema
	$(BIN)/python -m rnn_goldens.generator.readme_figures .
	$(BIN)/python -m rnn_goldens.defects.page docs/defects.md
	$(BIN)/python -m rnn_goldens.export.sonnx.accuracy docs/accuracy

check-corpus: $(READY)
	$(BIN)/rnn-goldens generate --check
	$(BIN)/rnn-goldens validate fixtures

# The wheel as users install it, with the plugins that it is compared with; torch is the checkout's.
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
	cd $(BENCH) && venv/bin/python -m benchmarks.performance --wheel *.whl --page ../../docs/results/cost.md

# Damaged and hostile JSON from a fixed seed, one minute; fails if a reader raises another error or exceeds its limits.
hostile: $(READY)
	$(BIN)/python -m benchmarks.hostile

# Generates the whole corpus on two cores; fails if it exceeds its limits of time or memory.
bench-generation: $(READY)
	$(BIN)/python -m benchmarks.generation_cost

# These targets share JAX's compilation cache: compiling takes most of the time of its implementations.
false-alarms conformance defects engines engine-equinox engine-tests-equinox: export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/build/jax
false-alarms conformance defects engines engine-equinox engine-tests-equinox: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
false-alarms conformance defects engines engine-equinox engine-tests-equinox: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES := -1

# Runs correct implementations on every golden and its gradients, about eight minutes; fails if one of them fails. Gradients
# that JAX compiles run on every seventh golden only: `make results` runs all.
false-alarms: $(READY)
	$(BIN)/python -m benchmarks.false_alarms
	$(BIN)/python -m benchmarks.gradient_false_alarms --every 7

# Runs the same deviations through ONNX's backend tests and the corpus; fails if the correct network fails one of ONNX's tests.
onnx-backend: $(READY)
	$(BIN)/python -m benchmarks.onnx_backend

# Runs honest mistakes by every command; fails if a wrong golden is reported as passed, or a right one as failed.
nothing-unchecked: $(READY)
	$(BIN)/python -m benchmarks.nothing_unchecked

# Counts the sizes, options and arguments that the corpus covers; fails if one is missing.
corpus-coverage: $(READY)
	$(BIN)/python -m benchmarks.corpus_coverage

# Runs check --exhaustive of three implementations, about a minute; fails if one is wrong.
exhaustive: $(READY)
	$(BIN)/python -m benchmarks.exhaustive

# Runs Cosmic Ray's mutants of the modules that compare, in a clone of the last commit. The report lists the surviving mutants:
# each needs a test, unless it is equivalent to the original.
MUTANTS := build/mutants
mutants: $(READY)
	rm -rf $(MUTANTS)
	git clone --quiet . $(MUTANTS)
	cd $(MUTANTS) && export PATH="$(abspath $(BIN)):$$PATH" PYTHONPATH="$$PWD" && \
	    cosmic-ray init benchmarks/mutants.toml session.sqlite && \
	    cosmic-ray exec benchmarks/mutants.toml session.sqlite && \
	    cr-report --surviving-only --show-diff session.sqlite && cr-rate session.sqlite

# Measures the branch coverage of the modules that compare, one minute; fails below 100 %.
DECIDING := golden/expected golden/gradients golden/precision golden/shapes golden/tolerance golden/whole_number \
    comparison/calls comparison/differences comparison/actual comparison/outputs comparison/self_comparison comparison/place comparison/verdict \
    encoding/documents encoding/files encoding/consistency encoding/tree
comma := ,
coverage: $(READY)
	$(BIN)/coverage run --branch --data-file=build/coverage --include=$(subst .py ,.py$(comma),$(DECIDING:%=rnn_goldens/%.py)) \
	    -m pytest -q -p no:cacheprovider -m "not slow" tests/golden tests/comparison tests/checkable_golden tests/encoding tests/corpus
	$(BIN)/coverage report --data-file=build/coverage --show-missing --fail-under=100

# Diagnoses wrong networks of many kinds, one minute; fails if a diagnosis identifies a wrong cause or finds nothing.
diagnosis: $(READY)
	$(BIN)/python -m benchmarks.diagnosis --first 20

# Runs fuzz with the lowest and the newest Hypothesis on wrong networks, and correct implementations on random goldens.
fuzzing: $(READY)
	$(BIN)/python -m benchmarks.hypothesis_versions
	$(BIN)/python -m benchmarks.drawn_goldens --examples 40

# The gates that .ci/run leaves out, more than an hour: run before a release and before the corpus changes.
gates: coverage examples carriers pages validators release-rehearsal bench-generation exhaustive diagnosis false-alarms conformance nothing-unchecked fuzzing

# Runs frameworks and the example programs on every golden, about eight minutes; fails if docs/conformance.json differs.
PROGRAMS := --program examples/programs/my_rnn --program "node examples/programs/my_rnn.js" \
    --program "node examples/programs/my_rnn_tfjs.js" --program "python3 examples/programs/my_rnn.py"
BUILT_IN := numpy torch torch-cells onnxruntime onnx-reference keras-torch keras-jax flax
ROWS := $(wildcard docs/engines/*.json)
REPORT := $(BIN)/rnn-goldens report $(BUILT_IN) $(PROGRAMS) $(ROWS:%=--with %) --gradients --known-failures docs/known-failures -n 2

conformance: $(READY) defects
	@mkdir -p build
	$(REPORT) --against docs/conformance.json --output build/conformance.json

# Runs the known defects of the engines in this environment, one minute; fails if the list is not true of them.
defects: $(READY)
	$(BIN)/rnn-goldens defects

# Engines that are too slow for CI or cannot share an environment: each has its own environment, its tests and its row of the
# report in docs/engines. All download several GB and take more than an hour; `make engine-mlx` runs one.
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
	build/engines/$*/bin/rnn-goldens defects

.PRECIOUS: build/engines/%/.ready
build/engines/%/.ready: pyproject.toml conformance/requirements/%.txt
	$(PYTHON) -m venv --clear build/engines/$*
	build/engines/$*/bin/python -m pip install --quiet --disable-pip-version-check pytest-asyncio pytest-xdist \
	    --editable '.[generate,hypothesis]' --requirement conformance/requirements/$*.txt
	@touch $@

# Certifies, lists and checks 100, 1,000 and 10,000 goldens.
scaling: $(READY)
	$(BIN)/python -m benchmarks.scaling

# Computes the same expected values with ball arithmetic and with mpmath; fails if they differ.
certifying-speed: $(READY)
	$(BIN)/python -m benchmarks.certifying_speed

# Measures again and writes docs/results and docs/conformance.md; times need an idle machine.
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
	$(BIN)/python -m benchmarks.recurrences --write
	$(BIN)/python -m benchmarks.profiles --write
	$(MAKE) bench-page
	$(REPORT) --output docs/conformance.json --page docs/conformance.md

# Builds and tests readers and programs in other languages; installs their dependencies with apt-get (if permitted) and npm ci.
examples: $(READY)
	examples/install.sh
	npm --prefix javascript ci --ignore-scripts --no-audit --no-fund
	$(MAKE) -C examples/readers PYTHON=$(abspath $(BIN))/python
	$(MAKE) -C examples/programs
	$(MAKE) -C examples/c
	$(BIN)/rnn-goldens check --rnn-goldens-gradients -q -- examples/programs/my_rnn
	$(BIN)/rnn-goldens check --rnn-goldens-gradients -q -- node examples/programs/my_rnn.js
	NOTHING_SKIPPED=1 $(BIN)/python -m pytest -n 2 tests/examples

# Builds the npm package into dist/: writes its data, tests it in Node and a headless Chromium, and packs it.
javascript: $(READY)
	@command -v npm >/dev/null && command -v chromium >/dev/null || examples/install.sh
	$(BIN)/python javascript/build.py
	npm --prefix javascript ci --ignore-scripts --no-audit --no-fund
	npm --prefix javascript test
	mkdir -p dist
	cd javascript && npm pack --pack-destination ../dist

# Builds the archive of goldens in every export format into dist/.
VERSION_OF_PROJECT = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
vectors: $(RELEASE)/.ready
	$(RELEASE)/bin/python -m vectors.archive $(VERSION_OF_PROJECT) dist

# Compares the verdicts of the archive, the npm package and the C header with Python's; fails if one differs.
carriers: javascript
	$(BIN)/python -W ignore -m benchmarks.carriers

# Tests the HTML page of a run in a browser, without skipping tests.
pages: $(READY)
	examples/install.sh
	NOTHING_SKIPPED=1 $(BIN)/python -m pytest tests/pages

# Validates the schemas, and every file with three other validators; fails if one rejects a file or accepts a wrong one.
VALIDATORS := build/validators
$(VALIDATORS)/.ready: $(READY) examples/validators/package-lock.json
	@command -v npm >/dev/null || examples/install.sh
	npm --prefix examples/validators ci --ignore-scripts --no-audit --no-fund
	$(PYTHON) -m venv --clear $(VALIDATORS)
	$(VALIDATORS)/bin/python -m pip install --quiet --disable-pip-version-check --editable . check-jsonschema
	@touch $@

validators: $(VALIDATORS)/.ready
	$(VALIDATORS)/bin/python examples/validators/validate.py

# Builds the site in its own environment without torch; fails on a dead link or a page that is not in the navigation.
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

# Checks each page of build/docs at the widths of a phone and a desktop: no dead link, no error, no horizontal scrolling.
docs-check: $(DOCS)/.ready
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || examples/install.sh
	$(DOCS)/bin/python docs/site/check_site.py build/docs

# The tools that build and release, in their own environment without torch.
$(RELEASE)/.ready:
	@$(NEW_ENOUGH)
	@mkdir -p build
	@$(PYTHON) -m venv --clear $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check \
	    'build>=1.2' 'onnx>=1.23' 'pip-audit>=2.7' 'towncrier>=24.8' 'twine>=6.1' --editable '.[onnx,safetensors]'
	@touch $@

build: $(RELEASE)/.ready
	rm -rf dist
	$(RELEASE)/bin/python -m build --outdir dist .
	$(RELEASE)/bin/twine check --strict dist/*

# Audits the dependencies of the wheel and its light extras. Fails on a known vulnerability, or if the service does not answer for
# a package; to exclude an irrelevant vulnerability, add --ignore-vuln ID with the reason.
AUDIT := build/audit
audit: $(RELEASE)/.ready
	$(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip '.[generate,hypothesis,html,safetensors,onnx]'
	$(AUDIT)/bin/python -m pip uninstall --quiet --yes rnn-goldens
	$(RELEASE)/bin/pip-audit --strict --path $(AUDIT)/lib/python*/site-packages

release: $(RELEASE)/.ready
	@test -n "$(VERSION)" || { echo "no version given: make release VERSION=0.2.0" >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo "a release needs a clean checkout, but git status lists changes" >&2; exit 1; }
	@test -z "$$(git tag --list v$(VERSION))" || { echo "the tag v$(VERSION) exists" >&2; exit 1; }
	sed -i 's/^version = .*/version = "$(VERSION)"/' pyproject.toml
	$(RELEASE)/bin/towncrier build --yes --version $(VERSION)
	$(MAKE) build vectors
	git commit --quiet --all --message "release: $(VERSION)"
	git tag --annotate v$(VERSION) --message "rnn-goldens $(VERSION)"
	@echo "next: git push origin HEAD v$(VERSION); $(RELEASE)/bin/twine upload dist/*.whl dist/rnn_goldens-*.tar.gz; attach $$(ls dist/*vectors*) to the release"

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
