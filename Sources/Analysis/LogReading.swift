import Catalog
import Evaluation
import EventLog
import HaggleCore
import Postgres
import Reporting

/// One reading of an experiment's log, gathered step by step into an analysis.
struct LogReading {
    private let experiment: Experiment
    private let pool: ConnectionPool
    private let now: Timestamp
    private let source: PostgresInteractionSource
    /// The configured arms, and behind them those of earlier versions.
    private let arms: [Arm]
    /// Nil for a log without impressions that count.
    private let buckets: TimeBuckets?

    private var shown: [Int]
    private var converted: [Int]
    private var allocation: [[Int]]
    private var matured = 0
    private var armEstimates: ArmEstimates
    private var course: RewardCourse?
    private var comparison: ABReport?
    private var lift: LiftReport?
    private var liftOverTime: [ExperimentSummary.TimedEstimate] = []
    private var waitingUnits = 0
    private var maturedUnits = 0
    /// Units that were split to arms that are no longer in the file.
    private var removedUnits = 0

    init(_ experiment: Experiment, pool: ConnectionPool, asOf now: Timestamp) async throws {
        self.experiment = experiment
        self.pool = pool
        self.now = now
        source = try await PostgresInteractionSource.open(pool: pool, experiment: experiment, asOf: now)
        arms = source.arms
        buckets = try await Self.buckets(of: source, experiment.key, pool)
        shown = Array(repeating: 0, count: arms.count)
        converted = shown
        allocation = Array(repeating: shown, count: buckets?.count ?? 0)
        armEstimates = try ArmEstimates(arms: arms, controlIndex: experiment.controlIndex)
        course = buckets.map { RewardCourse($0) }
    }

    private static func buckets(
        of source: PostgresInteractionSource, _ key: ExperimentKey, _ pool: ConnectionPool
    ) async throws -> TimeBuckets? {
        let span = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM shown_impressions(\(key), \(source.through)) WHERE counted
                HAVING count(*) > 0
                """)
        }
        return try span.first.map { TimeBuckets(from: try $0.timestamp("first"), through: try $0.timestamp("last")) }
    }

    // MARK: Reading

    /// Everything that is a mean or a count over impressions.
    mutating func readInteractions() async throws {
        guard let buckets else { return }
        for try await interaction in source.interactions() {
            shown[interaction.arm] += 1
            let time = interaction.time ?? buckets.start
            allocation[buckets.index(of: time)][interaction.arm] += 1
            // A reward whose window is open is not known yet; taking it for nothing would make every new impression look bad.
            guard interaction.maturedAt != nil else { continue }
            matured += 1
            try await course?.add(reward: interaction.reward, unit: interaction.unit, at: time)
            if experiment.kind == .bandit { try await armEstimates.add(interaction) }
        }
        let positions = Dictionary(arms.enumerated().map { ($1.key, $0) }) { first, _ in first }
        for row in try await EventLogReader(pool: pool).dailyRewards(of: experiment.key) where row.counted {
            if let arm = positions[row.arm] { converted[arm] += row.conversions }
        }
    }

    /// Everything that is a mean over units.
    /// - Parameter splitIsSteady: whether the configured split held all the time.
    mutating func readUnits(splitIsSteady: Bool) async throws {
        let isAB = experiment.kind == .ab
        guard isAB || experiment.holdout > 0 else { return }
        let units = try await EventLogReader(pool: pool).unitOutcomes(of: experiment, asOf: now, through: source.through)
        waitingUnits = units.count { !$0.isMatured }
        maturedUnits = units.count - waitingUnits
        guard maturedUnits > 0 else { return }
        if isAB {
            var analysis = try ABAnalysis(experiment: experiment)
            for unit in units where unit.isMatured && unit.variant == .arm(unit.arm) {
                if experiment.index(of: unit.arm) == nil {
                    removedUnits += 1
                } else {
                    try analysis.add(arm: unit.arm, outcome: unit.reward)
                }
            }
            comparison = analysis.report()
        } else {
            try readLift(units.filter(\.isMatured), splitIsSteady: splitIsSteady)
        }
    }

    private mutating func readLift(_ units: [UnitOutcome], splitIsSteady: Bool) throws {
        guard var analysis = try LiftAnalysis(experiment: experiment) else { return }
        // With shares that were changed on the way no one split is the expected one.
        if !splitIsSteady { analysis = try LiftAnalysis(holdoutShare: nil) }
        let inOrder = units.sorted { ($0.firstAt, $0.unit) < ($1.firstAt, $1.unit) }
        guard let first = inOrder.first, let last = inOrder.last else { return }
        let buckets = TimeBuckets(from: first.firstAt, through: last.firstAt)
        var next = 0
        for bucket in 0..<buckets.count {
            let end = buckets.start(of: bucket + 1)
            while next < inOrder.count, inOrder[next].firstAt < end {
                let unit = inOrder[next]
                try analysis.add(group: unit.variant == .holdout ? .holdout : .policy, outcome: unit.reward)
                next += 1
            }
            if let relative = ExperimentSummary.Lift(analysis.report())?.relative {
                liftOverTime.append(.init(time: buckets.start(of: bucket), estimate: relative))
            }
        }
        lift = analysis.report()
    }

    // MARK: Putting together

    mutating func analysis(_ state: CatalogState) async throws -> ExperimentAnalysis {
        let isAB = experiment.kind == .ab
        let evaluations = isAB ? [] : try await armEstimates.report()
        // Arms of earlier versions are shown while the log has rows of theirs.
        let places = arms.indices.filter { $0 < experiment.arms.count || shown[$0] > 0 }
        let summaries = places.map { place in
            let arm = arms[place]
            let group = comparison?.arms.first { $0.group == arm.key.rawValue }
            return ExperimentSummary.ArmSummary(
                key: arm.key, discount: arm.discount, isControl: place == experiment.controlIndex, impressions: shown[place],
                conversions: converted[place],
                reward: isAB ? group?.estimate : evaluations.isEmpty ? nil : evaluations[place].snips)
        }
        let rewardOverTime = try await course?.estimates() ?? []
        let summary = ExperimentSummary(
            key: experiment.key, description: experiment.description, owner: experiment.owner, kind: experiment.kind,
            status: experiment.status, isPaused: state.stored.isPaused, version: state.stored.version, currency: experiment.currency,
            metric: experiment.reward.metric, arms: summaries, impressions: shown.reduce(0, +), conversions: converted.reduce(0, +),
            excluded: source.excluded,
            allocation: allocation.enumerated().compactMap { index, counts in
                guard let buckets, counts.contains(where: { $0 > 0 }) else { return nil }
                return AllocationChart.Bucket(start: buckets.start(of: index), counts: places.map { counts[$0] })
            },
            bucketSeconds: buckets?.seconds ?? 3600, rewardOverTime: rewardOverTime, liftOverTime: liftOverTime,
            lift: lift.flatMap { ExperimentSummary.Lift($0) },
            comparisons: comparison?.comparisons.compactMap { ExperimentSummary.Comparison($0) } ?? [], snapshot: snapshot(state))
        return ExperimentAnalysis(
            summary: summary, sections: sections(evaluations, summary) + gateSection(state.gateLooks), generatedAt: now,
            armEvaluations: evaluations.isEmpty ? [] : places.map { evaluations[$0] }, comparison: comparison, lift: lift,
            waitingUnits: waitingUnits)
    }

    private func snapshot(_ state: CatalogState) -> ExperimentSummary.Snapshot? {
        guard let version = state.stored.snapshot, let published = state.snapshotPublishedAt else { return nil }
        return .init(
            version: version, ageSeconds: max(0, now - published), isPinned: state.isPinned,
            gate: state.gateLooks.first.map { .init(candidate: $0.candidate, decision: $0.decision, published: $0.published) })
    }

    private func sections(_ evaluations: [PolicyEvaluation], _ summary: ExperimentSummary) -> [ReportSection] {
        var sections: [ReportSection] = []
        if summary.impressions == 0 && summary.excluded.isEmpty {
            return [
                ReportSection(
                    title: "No impressions yet",
                    paragraphs: [
                        "Nothing has been logged for this experiment. Arms, rewards and lift appear here once a service has answered "
                            + "assignments."
                    ])
            ]
        }
        if let comparison { sections += comparison.sections(quantity: summary.quantity, metricName: summary.metricName) }
        if let ratio = lift?.sampleRatio { sections.append(ratio.section) }
        let remarks = remarks(evaluations, summary)
        if !remarks.isEmpty { sections.append(ReportSection(title: "What these numbers cannot say", paragraphs: remarks)) }
        return sections
    }

    /// What the gate decided, newest first; nothing before it first looked.
    private func gateSection(_ looks: [StoredGateLook]) -> [ReportSection] {
        guard !looks.isEmpty else { return [] }
        var table = TextTable(columns: [.number("candidate"), .text("judged"), .number("snapshot"), .text("decision")])
        for look in looks {
            let decision = look.reason + (look.note.map { "; published all the same: \($0)" } ?? "")
            table.append(["\(look.candidate)", look.judgedAt.description, look.published?.description ?? "", decision])
        }
        return [
            ReportSection(
                title: "Gate of new networks", tables: [table],
                notes: ["These numbers decide what serves. They are selected, and no estimate of what a policy earns."])
        ]
    }

    private func remarks(_ evaluations: [PolicyEvaluation], _ summary: ExperimentSummary) -> [String] {
        var remarks: [String] = []
        let open = summary.impressions - matured
        if open > 0 {
            remarks.append(
                "The attribution window of \(NumberFormat.count(open)) of \(NumberFormat.count(summary.impressions)) impressions is still "
                    + "open; rewards are means over the others.")
        }
        if waitingUnits > 0 {
            remarks.append("\(NumberFormat.count(waitingUnits)) units wait for their window to close before they are compared.")
        }
        if removedUnits > 0 {
            remarks.append("\(NumberFormat.count(removedUnits)) units of arms that are no longer in the file are not compared.")
        }
        if armEstimates.unweightable > 0 {
            remarks.append(
                "\(NumberFormat.count(armEstimates.unweightable)) impressions have no propensity and cannot be weighted; they are in no "
                    + "arm's reward.")
        }
        for evaluation in evaluations where evaluation.verdict != .supported {
            guard let reason = evaluation.reasons.first, summary.arms.contains(where: { $0.key.rawValue == evaluation.policy }) else {
                continue
            }
            remarks.append("The reward of \(evaluation.policy) is \(evaluation.verdict.rawValue): \(reason).")
        }
        return remarks
    }
}
