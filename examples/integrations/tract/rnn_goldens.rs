//! Golden vectors of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
//!
//! RNN_GOLDENS_VECTORS=rnn-goldens-vectors-VERSION cargo test -p test-onnx-core rnn_goldens
use crate::load_half_dataset;
use infra::{Test, TestStatus, TestSuite};
use std::path::{Path, PathBuf};
use tract_hir::internal::*;

const KNOWN_ATTRIBUTES: [&str; 5] =
    ["rnn_tanh", "lstm", "gru", "lstm_peephole", "gru_reset_before"];

const KNOWN_FAILURES: [&str; 2] = [
    // an LSTM without initial_h fails if batch and time are not 1
    "lstm/plain",
    "lstm/overflowing-no-state",
];

// tanh on x86-64 saturates at 0.9999993 with AVX2 and FMA but no AVX-512, else at 0.9999994
const SATURATING: [&str; 2] = ["rnn-tanh/overflowing", "rnn-tanh/sweeping"];

pub fn suite() -> &'static TestSuite {
    lazy_static::lazy_static! {
        static ref SUITE: TestSuite = goldens();
    };
    &SUITE
}

/// One test for each golden in float32; empty if RNN_GOLDENS_VECTORS is not set.
fn goldens() -> TestSuite {
    let mut suite = TestSuite::default();
    let Ok(folder) = std::env::var("RNN_GOLDENS_VECTORS").map(PathBuf::from) else {
        return suite;
    };
    let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    for golden in index["goldens"].as_array().unwrap() {
        if let Some(path) = golden["files"]["onnx"]["float32"].as_str() {
            let path = folder.join(path);
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            suite.add_test_with_status(name, OnnxGolden { path }, status(golden));
        }
    }
    suite
}

fn status(golden: &serde_json::Value) -> TestStatus {
    let lengths = golden["features"].as_array().unwrap().iter().any(|f| f == "lengths");
    // sequence_lens must be a constant; activations, clip, input_forget and direction=reverse are ignored
    let ignored = lengths
        || !KNOWN_ATTRIBUTES.iter().any(|cell| golden["cell"] == *cell)
        || KNOWN_FAILURES.iter().any(|id| golden["id"] == *id)
        || tanh_saturates_early() && SATURATING.iter().any(|id| golden["id"] == *id);
    if ignored { TestStatus::Ignored } else { TestStatus::OK }
}

/// Whether tanh saturates at 0.9999993 on this processor.
fn tanh_saturates_early() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && !is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

#[derive(Clone, Debug)]
struct OnnxGolden {
    path: PathBuf,
}

impl Test for OnnxGolden {
    fn run_with_approx(
        &self,
        _id: &'static str,
        runtime: &dyn Runtime,
        _approx: Approximation,
    ) -> TractResult<()> {
        let mut model = tract_onnx::onnx().model_for_path(self.path.join("model.onnx"))?;
        model.analyse(false)?;
        let model = model.incorporate()?.into_typed()?.into_decluttered()?;
        let data = self.path.join("test_data_set_0");
        let inputs = load_half_dataset("input", &data);
        let inputs = inputs.into_iter().map(|tensor| tensor.into_tvalue()).collect();
        let outputs = runtime.prepare(model)?.run(inputs)?;
        check(&outputs, &data)
    }
}

fn check(outputs: &[TValue], data: &Path) -> TractResult<()> {
    let (wants, tolerances) =
        (load_half_dataset("output", data), load_half_dataset("tolerance", data));
    ensure!(outputs.len() == wants.len(), "{} outputs, want {}", outputs.len(), wants.len());
    for (ix, (got, (want, tolerance))) in
        outputs.iter().zip(wants.iter().zip(&tolerances)).enumerate()
    {
        ensure!(got.shape() == want.shape(), "#{ix} is {:?}, want {:?}", got.shape(), want.shape());
        let (got, want) = (got.cast_to::<f64>()?, want.cast_to::<f64>()?);
        let (got, want) = (got.to_plain_array_view::<f64>()?, want.to_plain_array_view::<f64>()?);
        let tolerance = tolerance.to_plain_array_view::<f64>()?;
        for ((at, got), (want, tolerance)) in
            got.indexed_iter().zip(want.iter().zip(tolerance.iter()))
        {
            ensure!(
                (got - want).abs() <= *tolerance,
                "#{ix} is wrong at {at:?}: got {got}, want {want} ± {tolerance}"
            );
        }
    }
    Ok(())
}
