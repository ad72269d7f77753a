/// Why a figure could not be measured.
enum BenchError: Error {
    case psqlFailed(Int32)
    case programMissing(String)
    case programFailed(String, Int32)
    case estimateMissing(String)
    /// Ours and the peer's value of one estimator on the same rows.
    case estimatesDiffer(String, Double, Double)
}
