//! Golden vectors of recurrent networks, with a tolerance for each element: https://github.com/rnn-goldens/rnn-goldens
//!
//! RNN_GOLDENS_VECTORS=rnn-goldens-vectors-VERSION cargo test -p candle-nn --test rnn_goldens -- --ignored
#[cfg(feature = "mkl")]
extern crate intel_mkl_src;

#[cfg(feature = "accelerate")]
extern crate accelerate_src;

use std::collections::HashMap;
use std::path::Path;

use candle::{DType, Device, Result, Tensor};
use candle_nn::rnn::{GRUState, LSTMState};
use candle_nn::{GRUConfig, LSTMConfig, VarBuilder, RNN};

struct Golden {
    tensors: HashMap<String, Tensor>,
    x: Tensor,
    hidden: usize,
    bias: bool,
}

impl Golden {
    fn load(id: &str) -> Result<Self> {
        let folder = std::env::var("RNN_GOLDENS_VECTORS").expect("RNN_GOLDENS_VECTORS is not set");
        let file = format!("safetensors/float32/{id}.safetensors");
        let tensors = candle::safetensors::load(Path::new(&folder).join(file), &Device::Cpu)?;
        let x = tensors["inputs/x"].clone();
        let x = if x.rank() == 2 { x.unsqueeze(0)? } else { x };
        let hidden = tensors["weights/weight_hh_l0"].dim(1)?;
        let bias = tensors.contains_key("weights/bias_ih_l0");
        Ok(Self {
            tensors,
            x,
            hidden,
            bias,
        })
    }

    fn weights(&self) -> VarBuilder<'static> {
        let weights = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix("weights/")?;
            Some((name.to_string(), tensor.clone()))
        });
        VarBuilder::from_tensors(weights.collect(), DType::F32, &Device::Cpu)
    }

    /// An initial state as (batch, hidden), or None if it is zero.
    fn state(&self, name: &str) -> Result<Option<Tensor>> {
        let shape = (self.x.dim(0)?, self.hidden);
        let state = self.tensors.get(&format!("inputs/{name}"));
        state.map(|state| state.reshape(shape)).transpose()
    }

    fn check(&self, name: &str, got: &Tensor) -> Result<()> {
        let values = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let got = values(got)?;
        let want = values(&self.tensors[&format!("expected/{name}")])?;
        let tolerance = values(&self.tensors[&format!("tolerance/{name}")])?;
        assert_eq!(got.len(), want.len(), "number of elements of {name}");
        for (i, ((got, want), tolerance)) in got.iter().zip(&want).zip(&tolerance).enumerate() {
            assert!(
                (got - want).abs() <= *tolerance,
                "{name} is wrong at element {i}: got {got}, want {want} ± {tolerance}"
            );
        }
        Ok(())
    }
}

fn lstm(id: &str) -> Result<()> {
    let golden = Golden::load(id)?;
    let config = if golden.bias {
        LSTMConfig::default()
    } else {
        LSTMConfig::default_no_bias()
    };
    let lstm = candle_nn::lstm(golden.x.dim(2)?, golden.hidden, config, golden.weights())?;
    let states = match (golden.state("h0")?, golden.state("c0")?) {
        (Some(h), Some(c)) => lstm.seq_init(&golden.x, &LSTMState::new(h, c))?,
        _ => lstm.seq(&golden.x)?,
    };
    golden.check("out", &lstm.states_to_tensor(&states)?)?;
    golden.check("h_n", states[states.len() - 1].h())?;
    golden.check("c_n", states[states.len() - 1].c())
}

fn gru(id: &str) -> Result<()> {
    let golden = Golden::load(id)?;
    let config = if golden.bias {
        GRUConfig::default()
    } else {
        GRUConfig::default_no_bias()
    };
    let gru = candle_nn::gru(golden.x.dim(2)?, golden.hidden, config, golden.weights())?;
    let states = match golden.state("h0")? {
        Some(h) => gru.seq_init(&golden.x, &GRUState { h })?,
        None => gru.seq(&golden.x)?,
    };
    golden.check("out", &gru.states_to_tensor(&states)?)?;
    golden.check("h_n", states[states.len() - 1].h())
}

/// One test for each golden with one layer, one direction and no lengths, which is what `candle_nn::rnn` supports.
macro_rules! goldens {
    ($check:ident: $($name:ident = $id:literal,)*) => {
        $(
            #[test]
            #[ignore = "needs RNN_GOLDENS_VECTORS"]
            fn $name() -> Result<()> {
                $check($id)
            }
        )*
    };
}

goldens!(lstm:
    lstm_plain = "lstm/plain",
    lstm_with_state = "lstm/with-state",
    lstm_unbatched = "lstm/unbatched-no-state",
    lstm_numbers_of_24_bits = "lstm/numbers-of-24-bits",
    lstm_numbers_beyond_float16 = "lstm/numbers-beyond-float16",
    lstm_large_c = "lstm/large-c",
    lstm_c_beyond_10 = "lstm/c-beyond-10",
    lstm_overflowing = "lstm/overflowing-no-state",
    lstm_sweeping = "lstm/sweeping",
    lstm_input_257 = "sizes-lstm/input-257-no-state",
    lstm_hidden_129 = "sizes-lstm/hidden-129",
    lstm_batch_257 = "sizes-lstm/batch-257-no-state",
    lstm_input_384 = "sizes-lstm/input-384-no-state",
);

goldens!(gru:
    gru_plain = "gru/plain",
    gru_with_state = "gru/with-state",
    gru_unbatched = "gru/unbatched-no-state",
    gru_numbers_of_24_bits = "gru/numbers-of-24-bits",
    gru_numbers_beyond_float16 = "gru/numbers-beyond-float16",
    gru_overflowing = "gru/overflowing",
    gru_sweeping = "gru/sweeping",
    gru_input_257 = "sizes-gru/input-257-no-state",
    gru_hidden_129 = "sizes-gru/hidden-129",
    gru_batch_257 = "sizes-gru/batch-257-no-state",
    gru_input_384 = "sizes-gru/input-384-no-state",
);
