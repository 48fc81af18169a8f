/** The arithmetic under test; of an integer LSTM the type of its inputs and outputs. */
export type Precision = "float64" | "float32" | "bfloat16" | "float16" | "int8" | "int16";

/** A number or an array of numbers, nested to any depth; a row may be a typed array. */
export type NestedNumbers = number | ArrayLike<number> | readonly NestedNumbers[];

/** Numbers in C order. Float32Array also carries bfloat16 and float16, Float64Array the 64-bit biases of integer LSTMs. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float64Array | Float32Array | Int8Array | Int16Array | Int32Array;
}

/** Whole numbers: lengths and offsets. */
export interface IntegerArray {
  readonly shape: readonly number[];
  readonly data: Int32Array;
}

/** A golden as the index lists it. */
export interface Entry {
  readonly id: string;
  readonly cell: string;
  readonly features: readonly string[];
  readonly precisions: readonly Precision[];
  readonly title: string;
  readonly purpose: string;
}

/**
 * A golden in one precision. Arrays have PyTorch's names, shapes and gate order.
 *
 * The object is frozen. Each load has its own arrays, and a comparison uses others: writing to them changes neither
 * verdicts nor another load.
 */
export interface Golden extends Entry {
  /** Where the scenario is documented. */
  readonly documentedIn: string;
  readonly dtype: Precision;
  /** The arguments of PyTorch's nn.RNN, such as input_size; sizes and options of a recurrence. */
  readonly config: Readonly<Record<string, number | boolean | string | readonly number[]>>;
  /** Options of a dialect, such as linear_before_reset. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Input, (batch, time, input); (time, input) if unbatched. Null for a recurrence with other inputs. */
  readonly x: GoldenArray | null;
  /** Initial hidden state, (layers·directions, batch, hidden); zeros where the scenario has none. Null if the cell has no h. */
  readonly h0: GoldenArray | null;
  /** Initial cell state, like h0. Null if the cell has no c. */
  readonly c0: GoldenArray | null;
  /** h0, or an array of all initial states; null where the scenario has none. */
  readonly initialState: GoldenArray | readonly GoldenArray[] | null;
  /** Time steps of each sequence, (batch), or null where every sequence is as long as x. */
  readonly lengths: IntegerArray | null;
  /** Where each packed sequence of a recurrence starts, and the end of the last one; null without packing. */
  readonly offsets: IntegerArray | null;
  /** Inputs by name: x of a network; q, k, v and so on of a recurrence. */
  readonly inputs: Readonly<Record<string, GoldenArray>>;
  /** Initial states by name: h0, c0; S0 and so on of a recurrence. Zeros where the scenario has none. */
  readonly states: Readonly<Record<string, GoldenArray>>;
  /** Weights by name: weight_ih_l0, bias_hh_l1_reverse. */
  readonly weights: Readonly<Record<string, GoldenArray>>;
  /** Expected outputs by name, rounded to the precision: out, h_n and, for an LSTM, c_n. */
  readonly expected: Readonly<Record<string, GoldenArray>>;
  /** The largest error of a correct implementation, for each element of each output. */
  readonly tolerance: Readonly<Record<string, GoldenArray>>;
}

/** Which goldens to load. Each argument is one name or several. */
export interface Selection {
  /** Ids or patterns such as "lstm/*"; any id if absent. */
  ids?: string | readonly string[];
  /**
   * Cells, or options of dialects such as "linear_before_reset=0". If absent: all cells except dialects, recurrences and integer
   * LSTMs, plus those whose folder an id or pattern names.
   */
  cell?: string | readonly string[];
  /** Features that a golden must have. */
  features?: string | readonly string[];
  /** Features that a golden must not have. */
  without?: string | readonly string[];
  /** The precision; "float32" if absent. Goldens that cannot be checked in it are left out; integer goldens have one type, whatever is asked for. */
  dtype?: Precision;
}

/** An output: an array, a tensor of ONNX Runtime or TensorFlow.js, or nested arrays. */
export type Output =
  | { readonly shape: ArrayLike<number>; readonly data: ArrayLike<number>; readonly dtype?: string }
  | { readonly dims: ArrayLike<number>; readonly data: unknown; readonly type?: string }
  | { readonly shape: ArrayLike<number>; dataSync(): ArrayLike<number>; readonly dtype?: string }
  | NestedNumbers;

/** Outputs by name. */
export type Outputs = Readonly<Record<string, Output | null | undefined>>;

/** A wrong element. */
export interface Element {
  readonly index: readonly number[];
  readonly got: number;
  readonly want: number;
  readonly allowed: number;
  /** The position as text. */
  readonly place: string;
}

/** The difference of one output from the expected one. */
export interface Difference {
  readonly output: string;
  /** Why values were not compared: no array, a wrong shape, a lower precision. Null if they were. */
  readonly problem: string | null;
  /** The type of the actual array. */
  readonly dtype: string;
  readonly size: number;
  /** The number of elements outside the tolerance, NaN and infinity included. */
  readonly wrong: number;
  readonly nan: number;
  readonly infinite: number;
  /** The wrong element that is computed first: the reverse direction starts at the end of a sequence. */
  readonly first: Element | null;
  /** The wrong element with the largest error. */
  readonly largest: Element | null;
  /** The time steps with a wrong element. */
  readonly timeSteps: readonly number[];
  /** The lowest precision that represents every value, if lower than declared. */
  readonly computedIn: Precision | null;
  /** The largest error, as a fraction of the tolerance. */
  readonly largestError: number;
}

/** The result of a comparison. */
export interface Verdict {
  readonly passed: boolean;
  /** The largest error of any element, as a fraction of the tolerance: at most 1 if `passed`. */
  readonly largestError: number;
  /** Empty if the comparison passed. The first line can be understood alone. */
  readonly message: string;
  readonly differences: Readonly<Record<string, Difference>>;
}

/** Thrown by `check` for outputs that differ from a golden. */
export class GoldenMismatch extends Error {
  constructor(verdict: Verdict);
  readonly verdict: Verdict;
}

/** The version of the corpus. */
export const version: string;

/** Every golden, from simple to hard, without its data. */
export const entries: readonly Entry[];

/**
 * Loads all goldens that match, from simple to hard.
 *
 * @throws RangeError if a name does not exist, or if no golden matches.
 */
export function select(selection?: Selection): Promise<Golden[]>;

/**
 * Loads one golden, in float32 unless another precision is named.
 *
 * @throws RangeError if the id does not exist, or the golden cannot be checked in the precision.
 */
export function load(id: string, options?: { dtype?: Precision }): Promise<Golden>;

/**
 * Throws unless the outputs are right.
 *
 * @throws GoldenMismatch if an output is wrong or missing.
 * @throws TypeError if an output is the golden's own expected array, or if outputs are not passed by name.
 */
export function check(golden: Golden, outputs: Outputs): void;

/** Compares as `check` does, and returns the verdict. Throws only for a wrong use. */
export function compare(golden: Golden, outputs: Outputs): Verdict;
