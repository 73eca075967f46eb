/** What scores are worth. */
import type { CalibrationReport, CoveragePoint, RoutingGuess, RoutingResult } from "./report.ts";

const BINS = 10;
/** Thresholds of the coverage curve: 0, 0.05 … 1. */
const STEPS = 20;

interface Guessed {
  readonly expected: string | null;
  readonly guess: RoutingGuess;
}

const guessed = (results: readonly RoutingResult[]): readonly Guessed[] =>
  results.flatMap(({ expected, guess }) => (guess ? [{ expected, guess }] : []));

/** Scores against how often they are right. */
export function calibrationOf(results: readonly RoutingResult[]): CalibrationReport | null {
  const all = guessed(results);
  if (all.length === 0) return null;
  const groups = Map.groupBy(all, ({ guess }) => Math.min(BINS - 1, Math.floor(guess.score * BINS)));
  const bins = [...groups]
    .toSorted(([a], [b]) => a - b)
    .map(([bin, own]) => ({
      from: bin / BINS,
      to: (bin + 1) / BINS,
      messages: own.length,
      score: own.reduce((total, { guess }) => total + guess.score, 0) / own.length,
      right: own.filter(({ expected, guess }) => guess.agent === expected).length / own.length,
    }));
  const distance = bins.reduce((total, bin) => total + bin.messages * Math.abs(bin.score - bin.right), 0);
  return { bins, error: distance / all.length };
}

/** What deciding at each threshold would do. Messages of which nothing is known are never decided. */
export function coverageOf(results: readonly RoutingResult[]): readonly CoveragePoint[] | null {
  const all = guessed(results).filter(({ guess }) => guess.agent !== null);
  if (all.length === 0) return null;
  const inScope = results.filter(({ expected }) => expected !== null).length;
  const outOfScope = results.length - inScope;
  return Array.from({ length: STEPS + 1 }, (_, i): CoveragePoint => {
    const threshold = i / STEPS;
    const decided = all.filter(({ guess }) => guess.score >= threshold);
    const stays = decided.filter(({ expected }) => expected === null).length;
    const right = decided.filter(({ expected, guess }) => guess.agent === expected).length;
    return {
      threshold,
      coverage: inScope === 0 ? null : (decided.length - stays) / inScope,
      precision: decided.length === 0 ? null : right / decided.length,
      outOfScope: outOfScope === 0 ? null : stays / outOfScope,
    };
  });
}
