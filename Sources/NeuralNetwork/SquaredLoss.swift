/// (prediction - target)^2 and its derivative by the prediction.
struct SquaredLoss {
    @inline(__always) func value(_ prediction: Float, _ target: Float) -> Double {
        let error = Double(prediction) - Double(target)
        return error * error
    }

    @inline(__always) func derivative(_ prediction: Float, _ target: Float) -> Float { 2 * (prediction - target) }
}
