import HaggleCore
import Postgres

/// The distribution that an impression was drawn from, as the arms of the experiment in force have their places.
enum LoggedPropensities {
    /// From a row's `eligible_arms` and `propensities`: one value per arm, 0 for an arm that was not eligible; nil where the row does not say, or
    /// names an arm that the experiment no longer has.
    static func read(_ row: Row, _ places: [ArmKey: Int]) throws -> [Double]? {
        let eligible = try row.decode("eligible_arms", as: [String].self).map { places[ArmKey($0)] }
        guard let given = try row.decode("propensities", as: [Double]?.self), !eligible.contains(nil) else { return nil }
        var propensities = [Double](repeating: 0, count: places.count)
        for (place, value) in zip(eligible, given) { if let place { propensities[place] = value } }
        return propensities
    }
}
