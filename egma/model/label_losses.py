"""Alignment of images and sentences that were never paired, through the findings both carry (as in MedCLIP)."""

from __future__ import annotations

from torch import Tensor

from egma.model.similarity import Scale, full_precision


@full_precision
def label_alignment_loss(
    image_globals: Tensor, sentence_globals: Tensor, image_labels: Tensor, sentence_labels: Tensor, scale: Scale
) -> Tensor:
    """Soft-target contrastive loss: an image is near the sentences that speak of its findings.

        logits[i, j] = scale * <image_i, sentence_j>
        label_similarity[i, j] = <image_labels_i, sentence_labels_j>
        loss = 1/2 * (soft cross-entropy of the rows of logits towards softmax over j of label_similarity
                      + soft cross-entropy of the columns towards softmax over i)

    each the mean over its rows or columns. Label vectors enter as they are, as in MedCLIP's released code (the MedCLIP
    paper divides them by their norms): a pair that shares two findings outweighs one that shares one. I and T are free
    of each other.

    Args:
        image_globals: (I, D), unit norm.
        sentence_globals: (T, D), unit norm.
        image_labels: (I, F), 1 present, 0 not mentioned, -1 uncertain or absent; any number type.
        sentence_labels: (T, F), likewise.
        scale: exp(t), a number or a tensor.

    Returns:
        A scalar.

    Raises:
        ValueError: embeddings and labels do not belong together.
    """
    _check_labels(image_globals, sentence_globals, image_labels, sentence_labels)
    logits = image_globals @ sentence_globals.T * scale
    similarity = image_labels.to(logits.dtype) @ sentence_labels.to(logits.dtype).T
    rows = -(similarity.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1).mean()
    columns = -(similarity.softmax(dim=0) * logits.log_softmax(dim=0)).sum(dim=0).mean()
    return (rows + columns) / 2


def _check_labels(images: Tensor, sentences: Tensor, image_labels: Tensor, sentence_labels: Tensor) -> None:
    everything = (images, sentences, image_labels, sentence_labels)
    flat = all(value.ndim == 2 for value in everything)
    if not flat or len(images) != len(image_labels) or len(sentences) != len(sentence_labels):
        got = ", ".join(str(tuple(value.shape)) for value in everything)
        raise ValueError(f"embeddings and labels must be (I, D), (T, D), (I, F), (T, F): got {got}")
    if not len(images) or not len(sentences):
        raise ValueError("label alignment needs at least one image and one sentence: leave the term out of such a step")
