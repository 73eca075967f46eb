/**
 * The embedded model of Baton: routes and answers in-process, with no key and no network. **Not a language model.**
 *
 * @module
 */
export { local, localModel, type LocalModelOptions } from "./local.ts";
export {
  type Classifier,
  type ClassifierOptions,
  fitClassifier,
  type IntentScore,
  type LabelScore,
  loadClassifier,
  type NearestExample,
  type Prediction,
  type SavedClassifier,
  thresholdFor,
} from "./classifier/classifier.ts";
