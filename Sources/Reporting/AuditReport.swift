package import HaggleCore

/// What an audit of a log found; encodes to the JSON that `haggle audit --format json` prints.
package struct AuditReport: Hashable, Sendable, Codable {
    /// One field that is not what the versions give.
    package struct Difference: Hashable, Sendable, Codable {
        package var field: String
        package var expected: String
        package var found: String

        package init(field: String, expected: String, found: String) {
            self.field = field
            self.expected = expected
            self.found = found
        }
    }

    /// One row that does not agree.
    package struct Mismatch: Hashable, Sendable, Codable {
        package var position: Int64
        package var impression: String
        package var experimentVersion: ExperimentVersion
        package var snapshot: SnapshotVersion?
        package var differences: [Difference]

        package init(
            position: Int64, impression: String, experimentVersion: ExperimentVersion, snapshot: SnapshotVersion?, differences: [Difference]
        ) {
            self.position = position
            self.impression = impression
            self.experimentVersion = experimentVersion
            self.snapshot = snapshot
            self.differences = differences
        }

        private enum CodingKeys: String, CodingKey {
            case position, impression
            case experimentVersion = "experiment_version"
            case snapshot, differences
        }
    }

    /// Why a row cannot be recomputed.
    package enum Obstacle: String, Hashable, Sendable, Codable, CaseIterable {
        /// Its decision was made elsewhere.
        case imported = "IMPORTED"
        /// The version or the snapshot that it names is not stored.
        case unknownVersion = "UNKNOWN_VERSION"
        case unknownSnapshot = "UNKNOWN_SNAPSHOT"
        /// The row that it repeats is gone.
        case unknownOriginal = "UNKNOWN_ORIGINAL"
    }

    package var experiment: ExperimentKey
    /// Rows up to this position of the log.
    package var through: Int64
    package var rows = 0
    /// Rows of which every number has the same bits.
    package var bits = 0
    /// Rows that another build served, or one that is not known, and whose propensities agree to 1e-9.
    package var close = 0
    package var mismatches = 0
    /// Rows that cannot be recomputed, by why.
    package var notRecomputable: [String: Int] = [:]
    /// Recomputed rows that were served by nothing but the build and platform that audits, so that their bits must agree.
    package var sameBuild = 0
    /// The build and the platform that audits.
    package var build: String
    package var platform: String
    /// In the order of the log.
    package var firstMismatches: [Mismatch] = []

    /// At most so many mismatches are described.
    package static let describedMismatches = 20

    package init(experiment: ExperimentKey, through: Int64, build: String, platform: String) {
        self.experiment = experiment
        self.through = through
        self.build = build
        self.platform = platform
    }

    /// Whether every row that can be recomputed agrees.
    package var isClean: Bool { mismatches == 0 }

    private enum CodingKeys: String, CodingKey {
        case experiment, through, rows, bits, close, mismatches
        case notRecomputable = "not_recomputable"
        case sameBuild = "same_build"
        case build, platform
        case firstMismatches = "first_mismatches"
    }
}

extension AuditReport {
    package mutating func count(_ obstacle: Obstacle) {
        rows += 1
        notRecomputable[obstacle.rawValue, default: 0] += 1
    }

    /// Counts a row that does not agree, and describes it if it is among the first.
    package mutating func count(_ mismatch: Mismatch) {
        rows += 1
        mismatches += 1
        if firstMismatches.count < Self.describedMismatches { firstMismatches.append(mismatch) }
    }
}
