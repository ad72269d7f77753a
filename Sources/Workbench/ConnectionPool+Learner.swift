import Catalog
import Postgres

extension ConnectionPool {
    /// A transaction that changes what a running learner changes too: where the learner commits first, the compare-and-set refuses ours, and
    /// it is carried out again on the newest state.
    func withTransactionBesideLearner<Value>(_ body: (Connection) async throws -> Value) async throws -> Value {
        var attemptsLeft = 10
        while true {
            attemptsLeft -= 1
            do {
                return try await withTransaction { try await body($0) }
            } catch let error as CatalogError where attemptsLeft > 0 {
                switch error {
                case .learnerConflict, .snapshotConflict: continue
                default: throw error
                }
            } catch let error as DatabaseError where error.isRetryable && !error.isConnectionLost && attemptsLeft > 0 {
                continue
            }
        }
    }
}
