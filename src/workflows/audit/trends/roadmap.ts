/** Which gaps to close first: at most 25 articles to write, in order. */
import type { Effort, Gap, Recommendation, RoadmapItem } from '../types.ts'

type Tier = RoadmapItem['tier']

/** Most items of each tier; 25 together. */
const TIER_LIMITS: readonly (readonly [Tier, number])[] = [
  ['high', 7],
  ['medium', 10],
  ['low', 8],
]
/** Share of the roadmap that each effort should have, when priorities tie. */
const EFFORT_TARGETS: Readonly<Record<Effort, number>> = { easy: 0.3, medium: 0.45, complex: 0.25 }
/** Priorities closer than this are a tie. */
const TIE = 0.01

interface Candidate {
  readonly gap: Gap
  readonly recommendation: number
  readonly effort: Effort
}

/** `high` from .7, `medium` from .4, else `low`. */
export function tierOf(priority: number): Tier {
  if (priority >= 0.7) return 'high'
  return priority >= 0.4 ? 'medium' : 'low'
}

/**
 * The roadmap and the recommendations it points into. A gap takes the first recommendation of its topic; one
 * that has none gets what `recommend` makes, added at the end of the list.
 */
export function planRoadmap(
  gaps: readonly Gap[],
  recommendations: readonly Recommendation[],
  recommend: (gap: Gap) => Recommendation,
): { roadmap: RoadmapItem[]; recommendations: Recommendation[] } {
  const all = [...recommendations]
  const roadmap: RoadmapItem[] = []
  const used: Record<Effort, number> = { easy: 0, medium: 0, complex: 0 }
  for (const [tier, limit] of TIER_LIMITS) {
    const ofTier = gaps.filter((gap) => tierOf(gap.priority) === tier).sort(byPriority)
    const candidates = withRecommendations(ofTier.slice(0, limit), all, recommend)
    while (candidates.length > 0) {
      const { gap, recommendation, effort } = takeNext(candidates, used)
      used[effort] += 1
      const order = roadmap.length + 1
      roadmap.push({ order, topicId: gap.topicId, recommendation, priority: gap.priority, tier, effort })
    }
  }
  return { roadmap, recommendations: all }
}

function byPriority(a: Gap, b: Gap): number {
  return b.priority - a.priority || a.topicId - b.topicId
}

function withRecommendations(
  gaps: readonly Gap[],
  all: Recommendation[],
  recommend: (gap: Gap) => Recommendation,
): Candidate[] {
  return gaps.map((gap) => {
    let recommendation = all.findIndex((one) => one.topicId === gap.topicId)
    if (recommendation === -1) recommendation = all.push(recommend(gap)) - 1
    return { gap, recommendation, effort: all[recommendation]?.effort ?? 'medium' }
  })
}

/** Removes and returns the next item: of those that tie with the first, the one whose effort is most wanted. */
function takeNext(candidates: Candidate[], used: Readonly<Record<Effort, number>>): Candidate {
  const planned = used.easy + used.medium + used.complex + 1
  const wanted = ({ effort }: Candidate): number => EFFORT_TARGETS[effort] * planned - used[effort]
  const first = candidates[0]
  if (first === undefined) throw new RangeError('takeNext needs at least one candidate')
  const tied = candidates.filter(({ gap }) => first.gap.priority - gap.priority < TIE)
  const chosen = tied.reduce((best, one) => (wanted(one) > wanted(best) ? one : best), first)
  candidates.splice(candidates.indexOf(chosen), 1)
  return chosen
}
