# Every target creates its own environment; it needs only python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RELEASE := build/release-env

NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
    { echo "rnn-goldens needs Python 3.11 or newer; try: make PYTHON=python3.11" >&2; exit 1; }

.PHONY: help demo test slow lint generate check-corpus docs build javascript examples gates results audit release

# Tests start hundreds of processes, which share compiled modules.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo          run the documented scenarios end to end"
	@echo "make test          run the fast tests: about two minutes on two cores"
	@echo "make slow          run the slow tests: whole commands, killed processes, full cross products"
	@echo "make lint          run ruff, mypy and the import contracts"
	@echo "make generate      write golden files, kill matrices and generated pages from the scenarios"
	@echo "make check-corpus  check that the committed corpora equal what the scenarios generate"
	@echo "make docs          build the documentation site and check every page in headless Chromium"
	@echo "make build         build wheel, sdist, and the wheel of the corpus kernels"
	@echo "make javascript    build and test the npm package"
	@echo "make examples      build and test readers and programs in other languages, pages and validators"
	@echo "make gates         run the gates that are too slow for .ci/run, before a release or resolving an issue"
	@echo "make results       measure everything that a page says again; ENGINES=all adds the engines"
	@echo "make audit         audit the dependencies for known vulnerabilities"
	@echo "make release       rehearse a release; VERSION=0.2.0 makes one"
	@echo
	@echo "One benchmark or gate: .venv/bin/python -m benchmarks NAME"
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m benchmarks

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
	$(BIN)/python -m rnn_goldens.generator.every_page .
	$(BIN)/python -m rnn_goldens.defects.page docs/defects.md
	$(BIN)/python -m rnn_goldens.export.sonnx.accuracy docs/accuracy

check-corpus: $(READY)
	$(BIN)/rnn-goldens generate --check --if-changed
	$(BIN)/rnn-goldens validate fixtures

# The gates that .ci/run leaves out, more than an hour: run before a release and before the corpus changes.
gates: examples javascript
	$(BIN)/python -m benchmarks deciding-coverage
	$(BIN)/python -m benchmarks carriers
	$(BIN)/python -m benchmarks generation-cost
	$(BIN)/python -m benchmarks exhaustive
	$(BIN)/python -m benchmarks diagnosis --first 20
	$(BIN)/python -m benchmarks false-alarms
	$(BIN)/python -m benchmarks gradient-false-alarms
	$(BIN)/python -m benchmarks nothing-unchecked
	$(BIN)/python -m benchmarks hypothesis-versions
	$(BIN)/python -m benchmarks drawn-goldens --examples 40
	$(BIN)/python -m benchmarks conformance --against
	$(MAKE) release

# Measures what is not of this commit and corpus, at most an hour; times need an idle machine.
results: javascript
	$(BIN)/python -m benchmarks results $(if $(ENGINES),--engines $(ENGINES))

# Installs the dependencies of the examples with apt-get (if permitted) and npm ci. Nothing is skipped.
VALIDATORS := build/validators
$(VALIDATORS)/.ready: $(READY) examples/validators/package-lock.json
	@command -v npm >/dev/null || examples/install.sh
	npm --prefix examples/validators ci --ignore-scripts --no-audit --no-fund
	$(PYTHON) -m venv --clear $(VALIDATORS)
	$(VALIDATORS)/bin/python -m pip install --quiet --disable-pip-version-check --editable . check-jsonschema
	@touch $@

examples: $(READY) $(VALIDATORS)/.ready
	examples/install.sh
	npm --prefix javascript ci --ignore-scripts --no-audit --no-fund
	$(MAKE) -C examples/readers PYTHON=$(abspath $(BIN))/python
	$(MAKE) -C examples/programs
	$(MAKE) -C examples/c
	$(MAKE) -C examples/integers
	$(BIN)/rnn-goldens check --rnn-goldens-gradients -q -- examples/programs/my_rnn
	$(BIN)/rnn-goldens check --rnn-goldens-gradients -q -- node examples/programs/my_rnn.js
	NOTHING_SKIPPED=1 $(BIN)/python -m pytest -n 2 tests/examples tests/pages
	$(VALIDATORS)/bin/python examples/validators/validate.py

# Builds the npm package into dist/: writes its data, tests it in Node and a headless Chromium, and packs it.
javascript: $(READY)
	@command -v npm >/dev/null && command -v chromium >/dev/null || examples/install.sh
	$(BIN)/python javascript/build.py
	npm --prefix javascript ci --ignore-scripts --no-audit --no-fund
	npm --prefix javascript test
	mkdir -p dist
	cd javascript && npm pack --pack-destination ../dist

# Builds the site in its own environment without torch, and checks each page at the widths of a phone and a desktop: no dead
# link, no page outside the navigation, no error, no horizontal scrolling.
DOCS := build/docs-env
$(DOCS)/.ready: pyproject.toml
	@mkdir -p build
	@$(PYTHON) -m venv --clear $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

docs: $(DOCS)/.ready
	rm -rf build/docs build/doctrees
	PYTHONPATH=docs/site $(DOCS)/bin/sphinx-build --quiet --fail-on-warning --keep-going -c docs/site -d build/doctrees docs build/docs
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

# Wheel and sdist, and the wheel with the data of the corpus kernels.
build: $(RELEASE)/.ready
	rm -rf dist
	$(RELEASE)/bin/python -m build --outdir dist .
	$(RELEASE)/bin/python -m build --wheel --outdir dist kernels
	$(RELEASE)/bin/twine check --strict dist/*

# Audits the dependencies of the wheel and its light extras. Fails on a known vulnerability, or if the service does not answer for
# a package; to exclude an irrelevant vulnerability, add --ignore-vuln ID with the reason.
AUDIT := build/audit
audit: $(RELEASE)/.ready
	$(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip '.[generate,hypothesis,html,safetensors,onnx]'
	$(AUDIT)/bin/python -m pip uninstall --quiet --yes rnn-goldens
	$(RELEASE)/bin/pip-audit --strict --path $(AUDIT)/lib/python*/site-packages

# Without VERSION, it makes release 999.0.0 in a clone of the last commit.
REHEARSAL := build/rehearsal
release: $(RELEASE)/.ready
ifeq ($(VERSION),)
	@echo "no VERSION given: rehearsing in $(REHEARSAL)"
	rm -rf $(REHEARSAL)
	git clone --quiet . $(REHEARSAL)
	git -C $(REHEARSAL) config user.name rehearsal
	git -C $(REHEARSAL) config user.email rehearsal@example.org
	$(MAKE) -C $(REHEARSAL) release VERSION=999.0.0 RELEASE=$(abspath $(RELEASE))
else
	@test -z "$$(git status --porcelain)" || { echo "a release needs a clean checkout, but git status lists changes" >&2; exit 1; }
	@test -z "$$(git tag --list v$(VERSION))" || { echo "the tag v$(VERSION) exists" >&2; exit 1; }
	$(RELEASE)/bin/python -m benchmarks pages --today
	sed -i 's/^version = .*/version = "$(VERSION)"/' pyproject.toml kernels/pyproject.toml
	$(RELEASE)/bin/towncrier build --yes --version $(VERSION)
	$(MAKE) build
	$(RELEASE)/bin/python -m vectors.archive $(VERSION) dist
	git commit --quiet --all --message "release: $(VERSION)"
	git tag --annotate v$(VERSION) --message "rnn-goldens $(VERSION)"
	@echo "next: git push origin HEAD v$(VERSION); $(RELEASE)/bin/twine upload dist/*.whl dist/rnn_goldens-*.tar.gz; attach $$(ls dist/*vectors*) to the release"
endif

$(READY): pyproject.toml
	@$(NEW_ENOUGH)
	@echo "Setting up $(VENV) (once; torch is a large download) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
