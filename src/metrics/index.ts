/** Metrics as functions of predictions and targets, exported together as `metrics`. */
export { accuracy } from '../decisions.js';
export { balancedAccuracy, confusionMatrix, f1, matthews, precision, recall } from './classification.js';
export { calibrationCurve, calibrationError, logLoss } from './probability.js';
export { prAuc, rocAuc, topK } from './ranking.js';
export { mae, mape, r2, rmse } from './regression.js';
