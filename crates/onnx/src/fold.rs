//! Operators on numbers that are known: the arithmetic of shapes, and weights that are prepared in the file.

use crate::constant::{Constant, MADE_AT_MOST, Values};
use crate::import::Attributes;

/// What `op` makes of known inputs; `None` if that is not known here. Missing optional inputs are `None`.
pub(crate) fn fold(
    op: &str,
    inputs: &[Option<&Constant>],
    attributes: &Attributes<'_>,
) -> Option<Vec<Constant>> {
    let input = |index: usize| inputs.get(index).copied().flatten();
    let one = |constant: Constant| Some(vec![constant]);
    match op {
        "Identity" | "Dropout" => one(input(0)?.clone()),
        "Cast" => one(cast(input(0)?, attributes.int("to", 1))),
        "Shape" => one(Constant::whole(input(0)?.shape.iter().map(|&length| length as i64).collect())),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "Min" | "Max" | "Equal" => {
            let mut result = input(0)?.clone();
            for index in 1..inputs.len() {
                result = binary(op, &result, input(index)?)?;
            }
            one(result)
        }
        "Neg" | "Sqrt" | "Reciprocal" | "Floor" | "Ceil" | "Exp" | "Abs" => one(unary(op, input(0)?)),
        "Concat" => {
            let parts: Option<Vec<&Constant>> = (0..inputs.len()).map(input).collect();
            one(concat(&parts?, attributes.int("axis", 0))?)
        }
        "Gather" => one(gather(input(0)?, input(1)?, attributes.int("axis", 0))?),
        "Unsqueeze" | "Squeeze" => {
            let axes = input(1).map_or_else(|| attributes.ints("axes"), Constant::wholes);
            one(squeezed(op, input(0)?, axes)?)
        }
        "Reshape" => one(reshape(input(0)?, &input(1)?.wholes()?)?),
        "Flatten" => {
            let constant = input(0)?;
            let axis = usize::try_from(attributes.int("axis", 1))
                .ok()
                .filter(|&axis| axis <= constant.shape.len())?;
            let (rows, columns) = constant.shape.split_at(axis);
            let shape = vec![rows.iter().product(), columns.iter().product()];
            one(Constant { shape, values: constant.values.clone() })
        }
        "Transpose" => one(transpose(input(0)?, attributes.ints("perm"))?),
        "Slice" => {
            let list = |index: usize, name: &str| match input(index) {
                Some(constant) => constant.wholes(),
                None => attributes.ints(name),
            };
            one(slice(input(0)?, &list(1, "starts")?, &list(2, "ends")?, list(3, "axes"), list(4, ""))?)
        }
        "ConstantOfShape" => {
            let lengths = input(0)?.wholes()?;
            let shape: Option<Vec<usize>> =
                lengths.iter().map(|&length| usize::try_from(length).ok()).collect();
            let shape = shape?;
            let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length))?;
            let count = Some(count).filter(|&count| count <= MADE_AT_MOST)?;
            let values = match attributes.tensor("value").map(|value| value.values) {
                Some(Values::Whole(values)) => Values::Whole(vec![*values.first()?; count]),
                Some(Values::Real(values)) => Values::Real(vec![*values.first()?; count]),
                None => Values::Real(vec![0.0; count]),
            };
            one(Constant { shape, values })
        }
        "ReduceProd" => {
            let constant = input(0)?;
            let product = constant.wholes()?.iter().try_fold(1_i64, |product, &x| product.checked_mul(x))?;
            (constant.shape.len() <= 1).then_some(())?;
            one(Constant { shape: Vec::new(), values: Values::Whole(vec![product]) })
        }
        "Where" => {
            let (condition, yes, no) = (input(0)?.wholes()?, input(1)?, input(2)?);
            let (a, b) = (yes.wholes()?, no.wholes()?);
            let same = condition.len() == a.len() && a.len() == b.len();
            let chosen =
                (condition.iter().zip(a.iter().zip(&b))).map(|(&c, (&a, &b))| if c != 0 { a } else { b });
            same.then(|| vec![Constant { shape: yes.shape.clone(), values: Values::Whole(chosen.collect()) }])
        }
        "Range" => {
            let number =
                |index: usize| input(index).and_then(Constant::wholes).and_then(|x| x.first().copied());
            let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
            let count = limit.checked_sub(start)?.checked_div(delta)?;
            (delta > 0 && (0..1 << 16).contains(&count)).then_some(())?;
            one(Constant::whole((start..limit).step_by(delta as usize).collect()))
        }
        _ => None,
    }
}

fn cast(constant: &Constant, to: i64) -> Constant {
    use crate::proto::data_type;
    let real = [data_type::FLOAT, data_type::FLOAT16, data_type::DOUBLE, data_type::BFLOAT16];
    let values = match (&constant.values, real.iter().any(|&kind| i64::from(kind) == to)) {
        (Values::Whole(values), true) => Values::Real(values.iter().map(|&value| value as f32).collect()),
        (Values::Real(values), false) => Values::Whole(values.iter().map(|&value| value as i64).collect()),
        (values, _) => values.clone(),
    };
    Constant { shape: constant.shape.clone(), values }
}

/// Lengths, and for each place of the result the place in either input.
fn broadcast(a: &[usize], b: &[usize]) -> Option<(Vec<usize>, Vec<usize>, Vec<usize>)> {
    let rank = a.len().max(b.len());
    let length =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        shape.push(match (length(a, axis), length(b, axis)) {
            (a, b) if a == b => a,
            (1, b) => b,
            (a, 1) => a,
            _ => return None,
        });
    }
    let count = shape.iter().try_fold(1_usize, |count, &length| count.checked_mul(length))?;
    if count > MADE_AT_MOST {
        return None;
    }
    let places = |of: &[usize]| -> Vec<usize> {
        (0..count)
            .map(|mut place| {
                let (mut at, mut unit) = (0, 1);
                for axis in (0..rank).rev() {
                    let own = length(of, axis);
                    at += if own == 1 { 0 } else { place % shape[axis] * unit };
                    unit *= own;
                    place /= shape[axis];
                }
                at
            })
            .collect()
    };
    let (of_a, of_b) = (places(a), places(b));
    Some((shape, of_a, of_b))
}

fn binary(op: &str, a: &Constant, b: &Constant) -> Option<Constant> {
    let (shape, of_a, of_b) = broadcast(&a.shape, &b.shape)?;
    let places = of_a.iter().zip(&of_b);
    let values = if let (Values::Whole(a), Values::Whole(b)) = (&a.values, &b.values) {
        let value = |(&at, &bt): (&usize, &usize)| {
            let (a, b) = (a[at], b[bt]);
            Some(match op {
                "Add" => a.checked_add(b)?,
                "Sub" => a.checked_sub(b)?,
                "Mul" => a.checked_mul(b)?,
                "Div" => a.checked_div(b)?,
                "Mod" => a.checked_rem_euclid(b)?,
                "Pow" => a.checked_pow(u32::try_from(b).ok()?)?,
                "Min" => a.min(b),
                "Max" => a.max(b),
                _ => i64::from(a == b),
            })
        };
        Values::Whole(places.map(value).collect::<Option<_>>()?)
    } else {
        let (a, b) = (a.reals(), b.reals());
        let value = |(&at, &bt): (&usize, &usize)| {
            let (a, b) = (a[at], b[bt]);
            Some(match op {
                "Add" => a + b,
                "Sub" => a - b,
                "Mul" => a * b,
                "Div" => a / b,
                "Pow" => a.powf(b),
                "Min" => a.min(b),
                "Max" => a.max(b),
                _ => return None,
            })
        };
        Values::Real(places.map(value).collect::<Option<_>>()?)
    };
    Some(Constant { shape, values })
}

fn unary(op: &str, constant: &Constant) -> Constant {
    let values = match &constant.values {
        Values::Whole(values) => Values::Whole(match op {
            "Neg" => values.iter().map(|value| value.wrapping_neg()).collect(),
            "Abs" => values.iter().map(|value| value.wrapping_abs()).collect(),
            _ => values.clone(),
        }),
        Values::Real(values) => {
            let value = |&x: &f32| match op {
                "Neg" => -x,
                "Sqrt" => x.sqrt(),
                "Reciprocal" => 1.0 / x,
                "Floor" => x.floor(),
                "Ceil" => x.ceil(),
                "Exp" => x.exp(),
                _ => x.abs(),
            };
            Values::Real(values.iter().map(value).collect())
        }
    };
    Constant { shape: constant.shape.clone(), values }
}

/// The values of `constant` at `places`, in this shape.
fn taken(constant: &Constant, shape: Vec<usize>, places: impl Iterator<Item = usize>) -> Constant {
    let values = match &constant.values {
        Values::Real(values) => Values::Real(places.map(|place| values[place]).collect()),
        Values::Whole(values) => Values::Whole(places.map(|place| values[place]).collect()),
    };
    Constant { shape, values }
}

fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

fn concat(parts: &[&Constant], axis: i64) -> Option<Constant> {
    let first = parts.first()?;
    let axis = axis_of(axis, first.shape.len())?;
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for part in parts {
        let fits = part.shape.len() == shape.len()
            && (0..shape.len()).all(|other| other == axis || part.shape[other] == shape[other]);
        fits.then_some(())?;
        shape[axis] += part.shape[axis];
    }
    let outer: usize = shape[..axis].iter().product();
    let whole = parts.iter().all(|part| matches!(part.values, Values::Whole(_)));
    let (mut reals, mut wholes) = (Vec::new(), Vec::new());
    for row in 0..outer {
        for part in parts {
            let run = part.shape[axis..].iter().product::<usize>();
            let range = row * run..(row + 1) * run;
            match &part.values {
                Values::Whole(values) if whole => wholes.extend_from_slice(&values[range]),
                _ => reals.extend_from_slice(&part.reals()[range]),
            }
        }
    }
    Some(Constant { shape, values: if whole { Values::Whole(wholes) } else { Values::Real(reals) } })
}

fn gather(constant: &Constant, indices: &Constant, axis: i64) -> Option<Constant> {
    let axis = axis_of(axis, constant.shape.len())?;
    let length = constant.shape[axis];
    let index = |&index: &i64| {
        let index = if index < 0 { index.checked_add(length as i64)? } else { index };
        usize::try_from(index).ok().filter(|&index| index < length)
    };
    let chosen: Vec<usize> = indices.wholes()?.iter().map(index).collect::<Option<_>>()?;
    let outer: usize = constant.shape[..axis].iter().product();
    let inner: usize = constant.shape[axis + 1..].iter().product();
    let count = outer.checked_mul(chosen.len())?.checked_mul(inner)?;
    (count <= MADE_AT_MOST).then_some(())?;
    let shape = [&constant.shape[..axis], &indices.shape[..], &constant.shape[axis + 1..]].concat();
    let places = (0..outer).flat_map(|row| {
        chosen.iter().flat_map(move |&index| (0..inner).map(move |at| (row * length + index) * inner + at))
    });
    Some(taken(constant, shape, places))
}

fn squeezed(op: &str, constant: &Constant, axes: Option<Vec<i64>>) -> Option<Constant> {
    let mut shape = constant.shape.clone();
    match (op, axes) {
        ("Squeeze", None) => shape.retain(|&length| length != 1),
        ("Squeeze", Some(axes)) => {
            let axes: Vec<usize> =
                axes.iter().map(|&axis| axis_of(axis, shape.len())).collect::<Option<_>>()?;
            axes.iter().all(|&axis| shape[axis] == 1).then_some(())?;
            let mut index = 0;
            shape.retain(|_| {
                index += 1;
                !axes.contains(&(index - 1))
            });
        }
        (_, axes) => {
            let axes = axes?;
            let rank = shape.len() + axes.len();
            let mut axes: Vec<usize> = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Option<_>>()?;
            axes.sort_unstable();
            for axis in axes {
                (axis <= shape.len()).then_some(())?;
                shape.insert(axis, 1);
            }
        }
    }
    Some(Constant { shape, values: constant.values.clone() })
}

/// Lengths where 0 is the length that was and -1 the one that follows from the others.
pub(crate) fn resolved(target: &[i64], lengths: &[usize], keep_zero: bool) -> Option<Vec<usize>> {
    let mut shape = Vec::with_capacity(target.len());
    let mut open = None;
    for (axis, &length) in target.iter().enumerate() {
        shape.push(match length {
            0 if keep_zero => *lengths.get(axis)?,
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            _ => usize::try_from(length).ok()?,
        });
    }
    let product = |lengths: &[usize]| lengths.iter().try_fold(1_usize, |product, &x| product.checked_mul(x));
    let (whole, known) = (product(lengths)?, product(&shape)?);
    if let Some(axis) = open {
        shape[axis] = (known > 0 && whole.is_multiple_of(known)).then(|| whole / known)?;
    }
    (product(&shape)? == whole).then_some(shape)
}

fn reshape(constant: &Constant, target: &[i64]) -> Option<Constant> {
    let shape = resolved(target, &constant.shape, true)?;
    Some(Constant { shape, values: constant.values.clone() })
}

fn transpose(constant: &Constant, order: Option<Vec<i64>>) -> Option<Constant> {
    let rank = constant.shape.len();
    let order = order.unwrap_or_else(|| (0..rank as i64).rev().collect());
    let order: Vec<usize> = order.iter().map(|&axis| axis_of(axis, rank)).collect::<Option<_>>()?;
    let mut seen = vec![false; rank];
    order.iter().for_each(|&axis| seen[axis] = true);
    (order.len() == rank && seen.iter().all(|&seen| seen)).then_some(())?;
    let mut strides = vec![1; rank];
    for axis in (1..rank).rev() {
        strides[axis - 1] = strides[axis] * constant.shape[axis];
    }
    let shape: Vec<usize> = order.iter().map(|&axis| constant.shape[axis]).collect();
    let place = |mut index: usize| {
        let mut at = 0;
        for axis in (0..rank).rev() {
            at += index % shape[axis] * strides[order[axis]];
            index /= shape[axis];
        }
        at
    };
    Some(taken(constant, shape.clone(), (0..constant.len()).map(place)))
}

fn slice(
    constant: &Constant,
    starts: &[i64],
    ends: &[i64],
    axes: Option<Vec<i64>>,
    steps: Option<Vec<i64>>,
) -> Option<Constant> {
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    (ends.len() == starts.len() && axes.len() == starts.len() && steps.len() == starts.len()).then_some(())?;
    let mut result = constant.clone();
    for index in 0..starts.len() {
        let axis = axis_of(axes[index], result.shape.len())?;
        let indices = indices(starts[index], ends[index], steps[index], result.shape[axis])?;
        result = gather(&result, &Constant::whole(indices), axis as i64)?;
    }
    Some(result)
}

/// The indices that a slice takes of `length`.
pub(crate) fn indices(start: i64, end: i64, step: i64, length: usize) -> Option<Vec<i64>> {
    let length = length as i64;
    let from_end = |x: i64| if x < 0 { x.saturating_add(length) } else { x };
    if step > 0 {
        let (start, end) = (from_end(start).clamp(0, length), from_end(end).clamp(0, length));
        return Some((start..end.max(start)).step_by(usize::try_from(step).ok()?).collect());
    }
    let (start, end) = (from_end(start).clamp(-1, length - 1), from_end(end).clamp(-1, length - 1));
    let step = usize::try_from(step.checked_neg()?).ok().filter(|&step| step > 0)?;
    Some((end + 1..=start).rev().step_by(step).collect())
}
