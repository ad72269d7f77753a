extension GaussLegendre {
    /// What integrates a function, known at the nodes, from -1 up to each node: row j holds b with `integral from -1 to x_j f = sum_k b_k f(x_k)`.
    ///
    /// Exact for polynomials of degree below the number of nodes: the Lagrange polynomials through the nodes are integrated by the rule itself,
    /// shrunk to [-1, x_j]. Row-major, n x n. O(n^4), once.
    package func antiderivative() -> [Double] {
        let n = nodes.count
        var result = [Double](repeating: 0, count: n * n)
        for j in 0..<n {
            let half = 0.5 * (nodes[j] + 1)
            for k in 0..<n {
                var sum = 0.0
                for q in 0..<n {
                    let t = half * (nodes[q] + 1) - 1
                    var value = 1.0
                    for m in 0..<n where m != k { value *= (t - nodes[m]) / (nodes[k] - nodes[m]) }
                    sum += weights[q] * value
                }
                result[j * n + k] = half * sum
            }
        }
        return result
    }
}
