"""DINO: a student predicts the output of its momentum teacher, from local crops too (Caron et al., ICCV 2021)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, Problem, Setting, hookimpl


class DINOOptions(Options):
    """Settings of DINO. The defaults are those of the paper."""

    momentum: float = Field(default=0.996, ge=0, le=1)
    """Momentum of the teacher at the first step. It rises to 1 along a cosine."""
    student_temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the student's softmax."""
    teacher_temperature: float = Field(default=0.07, gt=1e-6)
    """τ of the teacher's softmax after the warm-up. Write a smaller one if training is unstable."""
    warmup_teacher_temperature: float = Field(default=0.04, gt=1e-6)
    """τ of the teacher's softmax in the first epoch."""
    warmup_teacher_epochs: int = Field(default=30, ge=0)
    """Epochs in which the teacher's τ rises in a straight line."""
    center_momentum: float = Field(default=0.9, ge=0, le=1)
    """Momentum of the centre of the teacher's outputs."""
    frozen_epochs: int = Field(default=1, ge=0)
    """Epochs in which the last layer of the head is not trained."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the head's hidden layers."""
    bottleneck_dim: int = Field(default=256, ge=1)
    """Size of the embedding before the last layer."""
    output_dim: int = Field(default=65536, ge=2)
    """Outputs of the head, over which the softmax runs."""
    batch_norm: bool = False
    """Batch norm in the head."""
    unit_last_layer: bool = True
    """Whether the weight vector of each output has length 1, which makes training more stable. The paper does
    not use this for ViT-S."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        epochs = setting.epochs
        if epochs <= self.frozen_epochs:
            yield Problem(
                "frozen_epochs",
                f"the head's last layer is frozen for {self.frozen_epochs} epochs, and the run has {epochs:g}",
                "write frozen_epochs: 0, or a longer run",
                warning=True,
            )
        rises = self.warmup_teacher_temperature != self.teacher_temperature
        if rises and epochs < self.warmup_teacher_epochs:
            yield Problem(
                "warmup_teacher_epochs",
                f"the teacher's temperature changes for {self.warmup_teacher_epochs} epochs, and the run has "
                f"{epochs:g}: it does not reach {self.teacher_temperature:g}",
                f"write warmup_teacher_epochs: {int(epochs / 3)}",
                warning=True,
            )


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="dino",
        summary="Predicts the output of a momentum teacher, also from local crops (Caron et al. 2021).",
        options=DINOOptions,
        target="ssltoolbox_dino.method:DINO",
        negatives=None,
        inputs=frozenset({"view_b", "crops"}),
        api=2,
    )
