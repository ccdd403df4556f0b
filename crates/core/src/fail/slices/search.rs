//! The search for slices on the first half: a decision tree, and all pairs of conditions.

use super::SliceOptions;
use super::bits::{Bits, Count};
use super::conditions::{Condition, conditions};
use super::halves::Halves;
use super::slice::{Candidate, Origin, Scope, Table};
use crate::fail::statistics::two_rates::excess_g;

/// At most this many candidates of a scope are kept.
const KEPT: usize = 40;

/// Scores below this are not kept: more than `exp(3)` = 20 as good ones of the same kind are expected by chance.
const LEAST_SCORE: f64 = -6.0;

/// At most this many conditions enter the pairs: those with the highest statistic alone.
const PAIRED_MOST: usize = 512;

/// The best conjunctions of every scope, best first within a scope.
pub fn candidates(table: &Table<'_>, halves: &Halves, options: &SliceOptions) -> Vec<Candidate> {
    let k = table.predictions.classes.len() as u32;
    let of_predicted = if options.predicted_classes { k } else { 0 };
    let scopes = std::iter::once(Scope::All)
        .chain((0..k).map(Scope::True))
        .chain((0..of_predicted).map(Scope::Predicted));
    scopes.flat_map(|scope| of_scope(table, halves, scope, options)).collect()
}

fn of_scope(table: &Table<'_>, halves: &Halves, scope: Scope, options: &SliceOptions) -> Vec<Candidate> {
    let mut strata = vec![Vec::new(); table.strata(scope)];
    for &row in table.rows(scope).iter().filter(|&&row| !halves.is_second(row)) {
        strata[table.stratum(scope, row)].push(row);
    }
    let bits = Bits::new(&strata, &table.wrong);
    if bits.errors == 0 || bits.errors == bits.n || bits.n < 2 * options.support as u64 {
        return Vec::new();
    }
    let search = Search::new(table, scope, bits, options);
    let mut found = search.singles();
    if options.depth > 1 {
        found.extend(search.pairs());
        search.tree(&search.bits.pack(|_| true), &[], &mut found);
    }
    found.retain(|found| found.score >= LEAST_SCORE);
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(KEPT);
    let rows = table.rows(scope);
    let candidate = |found: Found| {
        let meets = |row: &u32| found.conditions.iter().all(|c| c.holds(table.properties, *row as usize));
        let members = rows.iter().copied().filter(meets).collect();
        Candidate { scope, origin: Origin::Conditions(found.conditions), members, score: found.score }
    };
    found.into_iter().map(candidate).collect()
}

/// A conjunction and its score.
struct Found {
    conditions: Vec<Condition>,
    score: f64,
}

struct Search<'a> {
    bits: Bits,
    /// Conditions that enough images meet, and enough do not, with the images that do.
    conditions: Vec<(Condition, Vec<u64>)>,
    options: &'a SliceOptions,
}

impl<'a> Search<'a> {
    fn new(table: &Table<'_>, scope: Scope, bits: Bits, options: &'a SliceOptions) -> Self {
        let support = options.support as u64;
        let mut kept: Vec<(Condition, Vec<u64>)> = Vec::new();
        for condition in conditions(table, scope) {
            let met = bits.pack(|row| condition.holds(table.properties, row as usize));
            let n = bits.count(&met, &met).n;
            if n >= support && bits.n - n >= support && !kept.iter().any(|(_, other)| *other == met) {
                kept.push((condition, met));
            }
        }
        Self { bits, conditions: kept, options }
    }

    /// Twice the logarithm of how many conjunctions of `length` conditions there are.
    fn penalty(&self, length: usize) -> f64 {
        let ways = (0..length)
            .map(|i| (self.conditions.len().saturating_sub(i) as f64 / (i + 1) as f64).max(1.0).ln());
        2.0 * ways.sum::<f64>()
    }

    fn is_large_enough(&self, count: Count) -> bool {
        count.n >= self.options.support as u64
    }

    fn singles(&self) -> Vec<Found> {
        let penalty = self.penalty(1);
        let found = |(condition, met): &(Condition, Vec<u64>)| Found {
            conditions: vec![condition.clone()],
            score: self.bits.g(self.bits.count(met, met)) - penalty,
        };
        self.conditions.iter().map(found).collect()
    }

    fn pairs(&self) -> Vec<Found> {
        let mut alone: Vec<(usize, Count)> =
            self.conditions.iter().enumerate().map(|(i, (_, met))| (i, self.bits.count(met, met))).collect();
        alone.sort_by(|a, b| self.bits.g(b.1).total_cmp(&self.bits.g(a.1)));
        alone.truncate(PAIRED_MOST);
        let penalty = self.penalty(2);
        let mut found = Vec::new();
        for (position, &(i, count_i)) in alone.iter().enumerate() {
            for &(j, count_j) in &alone[position + 1..] {
                let [(a, a_met), (b, b_met)] = [&self.conditions[i], &self.conditions[j]];
                let count = self.bits.count(a_met, b_met);
                // a condition that the other one implies adds nothing
                let adds = count.n < count_i.n.min(count_j.n);
                let score = self.bits.g(count) - penalty;
                if adds && self.is_large_enough(count) && score >= LEAST_SCORE {
                    found.push(Found { conditions: vec![a.clone(), b.clone()], score });
                }
            }
        }
        found
    }

    /// Splits the images `node`, which meet the conditions `path`, where their error rates differ most, and goes on in both
    /// parts. (Breiman et al. 1984, "Classification and Regression Trees", with the likelihood ratio as criterion.)
    fn tree(&self, node: &[u64], path: &[Condition], found: &mut Vec<Found>) {
        if path.len() == self.options.depth {
            return;
        }
        let whole = self.bits.count(node, node);
        let split = |met: &[u64]| {
            let part = self.bits.count(node, met);
            let rest = Count {
                n: whole.n - part.n,
                wrong: whole.wrong - part.wrong,
                expected: whole.expected - part.expected,
            };
            if !self.is_large_enough(part) || !self.is_large_enough(rest) {
                return 0.0;
            }
            // expected within the node, in proportion to what the strata say
            let scale = whole.wrong as f64 / whole.expected.max(f64::MIN_POSITIVE);
            let of =
                |count: Count| excess_g(count.wrong, count.n, count.expected * scale, whole.wrong, whole.n);
            of(part).max(of(rest))
        };
        let gains = self.conditions.iter().map(|(_, met)| split(met)).enumerate();
        let best = gains.fold((0, 0.0), |best: (usize, f64), gain| if gain.1 > best.1 { gain } else { best });
        if best.1 <= 0.0 {
            return;
        }
        let (condition, met) = &self.conditions[best.0];
        for negated in [false, true] {
            let part: Vec<u64> =
                node.iter().zip(met).map(|(a, b)| a & if negated { !b } else { *b }).collect();
            let mut path = path.to_vec();
            path.push(Condition { negated, ..condition.clone() });
            let score = self.bits.g(self.bits.count(&part, &part)) - self.penalty(path.len());
            found.push(Found { conditions: path.clone(), score });
            self.tree(&part, &path, found);
        }
    }
}
