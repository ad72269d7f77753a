import HaggleMath

/// The rows of one logistic regression with a ridge, and its solution.
struct LogisticRegression {
    private let dimension: Int
    private let ridge: Double
    /// phi of every row of weight above 0, row-major.
    private var phi: [Double] = []
    /// 1 or 0, and the weight: one per row.
    private var answers: [Double] = []
    private var weights: [Double] = []

    /// - Precondition: `ridge > 0`.
    init(dimension: Int, ridge: Double) {
        self.dimension = dimension
        self.ridge = ridge
    }

    mutating func add(_ phi: [Double], isOne: Bool, weight: Double) {
        guard weight > 0 else { return }
        self.phi.append(contentsOf: phi)
        answers.append(isOne ? 1 : 0)
        weights.append(weight)
    }

    /// beta. O(n d^2) a Newton step, at most 100 of them; usually under 10.
    /// - Parameter offset: a constant part of the log odds that is not penalised.
    func coefficients(offset: Double) -> [Double] {
        var beta = [Double](repeating: 0, count: dimension)
        var current = objective(beta, offset)
        for _ in 0..<100 {
            let (gradient, curvature) = derivatives(beta, offset)
            let step = Cholesky(of: curvature, ridge: ridge).solve(gradient)
            // Half the squared Newton decrement is what a step still gains.
            let decrement = dot(gradient, step)
            if decrement < 1e-14 { break }
            var share = 1.0
            while true {
                let next = beta.indices.map { beta[$0] + share * step[$0] }
                let value = objective(next, offset)
                if value >= current + 1e-4 * share * decrement || share < 1e-10 {
                    if value > current { (beta, current) = (next, value) } else { return beta }
                    break
                }
                share /= 2
            }
        }
        return beta
    }

    private func linear(_ beta: [Double], row: Int) -> Double {
        var sum = 0.0
        for index in 0..<dimension { sum += phi[row * dimension + index] * beta[index] }
        return sum
    }

    private func objective(_ beta: [Double], _ offset: Double) -> Double {
        var sum = CompensatedSum()
        for row in answers.indices {
            let eta = offset + linear(beta, row: row)
            sum += weights[row] * (answers[row] * eta - ElementaryFunctions.softplus(eta))
        }
        return sum.value - 0.5 * ridge * dot(beta, beta)
    }

    /// The gradient, and the negated second derivatives without the ridge.
    private func derivatives(_ beta: [Double], _ offset: Double) -> (gradient: [Double], curvature: SymmetricMatrix) {
        var gradient = beta.map { -ridge * $0 }
        var curvature = SymmetricMatrix(dimension: dimension)
        var row = [Double](repeating: 0, count: dimension)
        for index in answers.indices {
            for column in 0..<dimension { row[column] = phi[index * dimension + column] }
            let p = ElementaryFunctions.logistic(offset + linear(beta, row: index))
            let residual = weights[index] * (answers[index] - p)
            for column in 0..<dimension { gradient[column] += residual * row[column] }
            curvature.addOuterProduct(of: row, weight: weights[index] * p * (1 - p))
        }
        return (gradient, curvature)
    }
}
