import HaggleCore
import HaggleMath

/// A log of three arms whose expected rewards are known: arm 1 pays where x and z have the same sign, arm 2 where they have not, arm 0 nothing.
enum TrainingWorld {
    static let arms = [Arm(key: "none", isControl: true), Arm(key: "five"), Arm(key: "ten")]
    static let noise = 0.5

    static func expected(_ arm: Int, _ x: Double, _ z: Double) -> Double { arm == 0 ? 0 : (x * z > 0) == (arm == 1) ? 1 : -1 }

    /// Half of the rewards' variance is between arms and contexts: 2/3 are +-1, and noise is 1/4.
    static let variance = 2.0 / 3 + 0.25

    static func schema(_ names: [String] = ["x", "z"]) -> FeatureSchema {
        FeatureSchema(
            features: names.map {
                Feature(name: $0, kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .none))
            })
    }

    /// Uniform logging; each unit has `perUnit` rows.
    static func log(count: Int, seed: UInt64 = 1, perUnit: Int = 2) -> [Interaction] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { row in
            let (x, z) = (generator.normal(), generator.normal())
            let arm = Int(generator.uniform() * 3)
            return Interaction(
                unit: UnitID("u\(row / perUnit)"), time: Timestamp(seconds: Double(row)), context: ["x": .number(x), "z": .number(z)],
                arm: arm, propensity: 1.0 / 3, reward: expected(arm, x, z) + noise * generator.normal())
        }
    }
}
