/// P(arm is best) from the scores in a workspace: of independent arms, or of correlated ones where a covariance stands beside the means.
struct BestArm: Sendable {
    private let independent = ProbabilityOfBest()
    private let correlated = CorrelatedProbabilityOfBest()
    /// Eligible positions along which scores must not fall; of a shared posterior only.
    var chain: [Int] = []

    /// Writes one probability per score into the workspace's `shares`.
    func callAsFunction(_ workspace: inout ChoiceWorkspace) {
        if workspace.covariance.isEmpty {
            independent(
                means: workspace.means, deviations: workspace.deviations, into: &workspace.shares, workspace: &workspace.best)
        } else {
            correlated(&workspace, chain: chain)
        }
    }

    /// The same over all scores but one; `shares` is one shorter, the scores stay.
    func withoutOne(_ left: Int, _ workspace: inout ChoiceWorkspace) {
        let (means, deviations, covariance) = (workspace.means, workspace.deviations, workspace.covariance)
        let count = means.count
        workspace.means.remove(at: left)
        workspace.deviations.remove(at: left)
        if !covariance.isEmpty {
            let kept = (0..<count).filter { $0 != left }
            workspace.covariance = kept.flatMap { a in kept.map { b in covariance[a * count + b] } }
        }
        var rest = self
        rest.chain = chain.compactMap { $0 == left ? nil : $0 > left ? $0 - 1 : $0 }
        rest(&workspace)
        (workspace.means, workspace.deviations, workspace.covariance) = (means, deviations, covariance)
    }
}
