/// A validated experiment: the value that an experiment file becomes. Everything downstream may trust it.
package struct Experiment: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable { case bandit, ab }
    package enum Status: String, Hashable, Sendable, Codable, CaseIterable { case draft, running, paused, stopped }

    /// Which test a newly fitted encoder and network must pass before it serves.
    package enum Gate: String, Hashable, Sendable, Codable, CaseIterable {
        /// It serves unless it is shown to earn less.
        case veto
        /// It serves once it is shown to earn more.
        case prove
        /// It serves.
        case off
    }

    /// A share of a namespace's units, for experiments that exclude one another.
    package struct Slot: Hashable, Sendable, Codable {
        package var namespace: String
        /// `lower <= n < upper` of the unit's number in the namespace.
        package var lower: Double
        package var upper: Double

        package init(namespace: String, lower: Double, upper: Double) {
            self.namespace = namespace
            self.lower = lower
            self.upper = upper
        }
    }

    /// What a new experiment learns from before its first impression.
    package enum WarmStart: Hashable, Sendable, Codable {
        /// The log of an earlier experiment.
        case experiment(ExperimentKey)
        /// A log file, as `haggle import` reads it: CSV or NDJSON, its path relative to the experiment's file.
        case file(String)
    }

    /// What makes a deferred assignment count.
    package struct Activation: Hashable, Sendable, Codable {
        package enum Moment: String, Hashable, Sendable, Codable, CaseIterable {
            /// A request of its own, `POST /v1/impressions/{id}/activate`.
            case explicit
            /// The evaluation of this one flag by an OpenFeature client as well.
            case onEvaluate = "on-evaluate"
        }

        /// An activation so long after its impression, or later, is kept and does not count; nil for no limit.
        package var expireSeconds: Double?
        package var activate: Moment

        package init(expireSeconds: Double? = nil, activate: Moment = .explicit) {
            self.expireSeconds = expireSeconds
            self.activate = activate
        }
    }

    /// What an OpenFeature client gets as the flag's value.
    package enum ValueType: String, Hashable, Sendable, Codable, CaseIterable {
        /// The arm's discount, a float.
        case number
        /// The arm's key.
        case string
        /// Whether the arm is another than control.
        case boolean
        /// The arm's payload, an object.
        case object
    }

    package var key: ExperimentKey
    package var description: String
    package var owner: String?
    package var kind: Kind
    package var status: Status
    package var start: Timestamp?
    package var end: Timestamp?
    /// Name of the unit, as documentation: `customer_id`.
    package var unitName: String
    /// Seed of the cuts and the draw.
    package var salt: String
    package var currency: String?
    /// Share of units that take part, in steps of 0.0001.
    package var traffic: Double
    /// Share of all units that stay on control for ever.
    package var holdout: Double
    package var slot: Slot?
    package var targeting: Condition?
    package var arms: [Arm]
    package var context: FeatureSchema
    package var reward: RewardConfiguration
    /// Nil in an A/B experiment.
    package var policy: PolicyConfiguration?
    /// What a newly fitted network of a bandit must pass; without meaning in an A/B experiment. A stored document from before there was a
    /// gate reads as `off`, which is how it was applied.
    package var gate: Gate
    /// Text returned with every assignment.
    package var disclosure: String?
    /// Where a bandit's first posterior comes from; nil starts from nothing.
    package var warmStart: WarmStart?
    /// Nil where activations never expire and are always explicit.
    package var activation: Activation?
    /// Nil for what the arms have in common: see `evaluatedType`.
    package var valueType: ValueType?

    package init(
        key: ExperimentKey, description: String = "", owner: String? = nil, kind: Kind, status: Status = .running, start: Timestamp? = nil,
        end: Timestamp? = nil, unitName: String = "unit", salt: String? = nil, currency: String? = nil, traffic: Double = 1,
        holdout: Double = 0, slot: Slot? = nil, targeting: Condition? = nil, arms: [Arm], context: FeatureSchema = FeatureSchema(),
        reward: RewardConfiguration, policy: PolicyConfiguration?, gate: Gate = .veto, disclosure: String? = nil,
        warmStart: WarmStart? = nil, activation: Activation? = nil, valueType: ValueType? = nil
    ) {
        self.key = key
        self.description = description
        self.owner = owner
        self.kind = kind
        self.status = status
        self.start = start
        self.end = end
        self.unitName = unitName
        self.salt = salt ?? key.rawValue
        self.currency = currency
        self.traffic = traffic
        self.holdout = holdout
        self.slot = slot
        self.targeting = targeting
        self.arms = arms
        self.context = context
        self.reward = reward
        self.policy = policy
        self.gate = gate
        self.disclosure = disclosure
        self.warmStart = warmStart
        self.activation = activation
        self.valueType = valueType
    }

    /// The type of the flag's value: the file's, else the discount where every arm has one, else the arm's key.
    package var evaluatedType: ValueType { valueType ?? (arms.allSatisfy { $0.discount != nil } ? .number : .string) }

    /// Position of the control arm.
    package var controlIndex: Int { arms.firstIndex { $0.isControl } ?? 0 }

    /// Position of the arm with that key.
    package func index(of arm: ArmKey) -> Int? { arms.firstIndex { $0.key == arm } }
}

extension KeyedDecodingContainer {
    /// Taken by the synthesised decoding of `Experiment`, so that documents without the key can still be read.
    func decode(_ type: Experiment.Gate.Type, forKey key: Key) throws -> Experiment.Gate { try decodeIfPresent(type, forKey: key) ?? .off }
}
