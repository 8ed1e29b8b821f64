# %% [markdown] lang="en"
# # Softmax regression 3: with the library
#
# **You will learn** how `torch.nn` and `torch.optim` express notebook 2 in a few lines, and what they compute inside. **You need** [from scratch](2_from_scratch.ipynb). **It takes** about 45 minutes; the code runs in less than a minute.
#
# This is section 8 of the notes. Section 9, on TensorFlow 1 and Adam, is an appendix.

# %% [markdown] lang="zh"
# # Softmax 回归（三）：简洁实现
#
# **学到什么**：`torch.nn` 和 `torch.optim` 怎样用几行写出第二个笔记本的内容，内部又在计算什么。**需要什么**：[从零开始实现](2_from_scratch.zh-CN.ipynb)。**用时**：大约 45 分钟；代码不到一分钟就能运行完。
#
# 这里是笔记的第 8 节。第 9 节讲 TensorFlow 1 和 Adam，作为附录。

# %% setup=1

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 110, "bbox_inches": "tight"}
import torch
from torch import nn

import concise  # to compare with
import d2l_softmax as d2l
import scratch  # to compare with
from notebooks import drawing

torch.manual_seed(0)
torch.set_printoptions(precision=4, sci_mode=False)
agree = torch.testing.assert_close  # an error unless both are equal up to rounding

# %% lang="zh"
drawing.use_chinese()  # 图中文字用中文；需要中文字体，例如 Noto Sans CJK

# %% [markdown] lang="en"
# ## 8. Concise implementation
#
# **The model** is a list of layers. `nn.Flatten` turns an image into 784 numbers. `nn.Linear` computes the ten logits.
#
# **Predict first.** What is the shape of the weight of `nn.Linear(784, 10)`? How many parameters are there in total?

# %% [markdown] lang="zh"
# ## 8. 简洁实现
#
# **模型**由若干层依次组成。`nn.Flatten` 把图像变成 784 个数，`nn.Linear` 计算十个 logits。
#
# **先猜一猜**：`nn.Linear(784, 10)` 的权重是什么形状？参数一共有多少个？


# %%
def new_net():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    generator = torch.Generator().manual_seed(0)
    nn.init.normal_(net[1].weight, std=0.01, generator=generator)
    nn.init.zeros_(net[1].bias)
    return net


net = new_net()
print(net[1].weight.shape, sum(parameter.numel() for parameter in net.parameters()))

# %% [markdown] lang="en"
# The weight is $(10, 784)$, the transpose of $\mathbf{W}$ in notebook 2. With ten biases there are $784 \cdot 10 + 10 = 7850$ parameters.
#
# **The loss.** The model ends with `nn.Linear` and has no softmax. `nn.CrossEntropyLoss` takes logits and includes it. It computes $m + \log \sum_k \exp(o_k - m) - o_c$ with $m = \max_k o_k$, so it never takes $\log 0$.
#
# **Predict first.** What is the loss of the three images of section 2? The true class is 120 below the largest logit: what does softmax followed by $\log$ return, and what `nn.CrossEntropyLoss`?

# %% [markdown] lang="zh"
# 权重是 $(10, 784)$，即第二个笔记本里 $\mathbf{W}$ 的转置。加上十个偏置，共有 $784 \cdot 10 + 10 = 7850$ 个参数。
#
# **损失**：模型以 `nn.Linear` 结尾，没有 softmax。`nn.CrossEntropyLoss` 接受 logits，已包含 softmax。它计算 $m + \log \sum_k \exp(o_k - m) - o_c$，其中 $m = \max_k o_k$，所以从不计算 $\log 0$。
#
# **先猜一猜**：第 2 节的三幅图像，损失是多少？如果真实类别比最大的 logit 低 120，先 softmax 再取 $\log$ 得到什么？`nn.CrossEntropyLoss` 呢？

# %%
loss = nn.CrossEntropyLoss()
O = torch.tensor([[2, 1, 0], [1, 1, 1], [0.5, 1.5, 1]])
print("three images:     ", loss(O, torch.tensor([0, 1, 2])).item())
agree(loss(O, torch.tensor([0, 1, 2])), concise.cross_entropy(O, torch.tensor([0, 1, 2])))

far, label = torch.tensor([[0.0, 120.0]]), torch.tensor([0])
print("softmax, then log:", -torch.log(torch.softmax(far, dim=1))[0, 0].item())
print("CrossEntropyLoss: ", loss(far, label).item())

# %% [markdown] lang="en"
# $0.8955$ as in section 3; infinity; 120.
#
# **The training loop.** `backward` computes the gradients, and the optimizer takes the step. Gradients add up, so `zero_grad` clears those of the previous step.
#
# **Predict first.** The seed is that of notebook 2. Which test accuracy do you expect?

# %% [markdown] lang="zh"
# 第 3 节的 $0.8955$；无穷大；120。
#
# **训练循环**：`backward` 计算梯度，优化器更新一步。梯度会累加，所以先用 `zero_grad` 清除上一步的梯度。
#
# **先猜一猜**：随机种子与第二个笔记本相同。测试精度会是多少？


# %%
def train(net, optimizer, num_epochs):
    history, weights = [], []
    for epoch in range(num_epochs):
        losses = examples = 0
        for X, y in train_iter:
            l = loss(net(X), y)
            optimizer.zero_grad()
            l.backward()
            optimizer.step()
            losses += len(y) * l.item()
            examples += len(y)
        history.append(losses / examples)
        weights.append(net[1].weight.detach().T.clone())
    with torch.no_grad():
        accuracy = (net(test_images).argmax(dim=1) == test_labels).float().mean().item()
    print(f"loss {history[-1]:.4f}, test accuracy {accuracy:.4f}")
    return history, weights


shuffling = torch.Generator().manual_seed(0)
train_iter, test_iter = d2l.load_data_fashion_mnist(256, generator=shuffling)
test_images, test_labels = test_iter.dataset[torch.arange(10_000)]
history, weights = train(net, torch.optim.SGD(net.parameters(), lr=0.1), num_epochs=10)

# %% [markdown] lang="en"
# It is equal to that of notebook 2.
#
# **Predict first.** Train `scratch` from the same seed. Are losses and weights equal to the last digit? Does their difference grow with every epoch?

# %% [markdown] lang="zh"
# 与第二个笔记本相同。
#
# **先猜一猜**：用同一个随机种子训练 `scratch`。损失和权重每一位都相同吗？差异会随迭代周期增大吗？

# %%
model = scratch.SoftmaxRegression(generator=torch.Generator().manual_seed(0))
optimizer = scratch.SGD(model.parameters(), lr=0.1)
shuffling.manual_seed(0)
loss_gaps, weight_gaps = [], []
for library_loss, library_W in zip(history, weights, strict=True):
    scratch_loss, _ = scratch.train_epoch(model, train_iter, optimizer)
    loss_gaps.append(abs(scratch_loss - library_loss))
    weight_gaps.append((model.W - library_W).abs().max().item())
assert max(loss_gaps) < 1e-5
assert max(weight_gaps) < 1e-4
drawing.gaps(loss_gaps, weight_gaps)

# %% [markdown] lang="en"
# They agree to about the rounding error of float32. The two implementations add in different orders, and each of 2,350 steps rounds differently. In float64 the difference shrinks with the rounding error.

# %% [markdown] lang="zh"
# 相差不过是 float32 的舍入误差上下。两份实现求和的次序不同，2350 次更新每次的舍入也不同。换成 float64，差异会随舍入误差一起缩小。

# %% [markdown] lang="en"
# **Experiment.** Add `nn.Softmax(dim=1)` to the model, so that softmax is applied twice. There is no error. Compare loss and accuracy, and explain the result. Then leave out `zero_grad`.

# %% [markdown] lang="zh"
# **实验**：在模型末尾加上 `nn.Softmax(dim=1)`，这样 softmax 就做了两次。程序不会报错。比较损失和精度，并解释结果。然后再去掉 `zero_grad` 试试。

# %% [markdown] exercises=8
# (the exercises of section 8)

# %% [markdown] lang="en"
# ## 9. Appendix: one-hot labels, Adam at 1e-4, accuracy as a mean
#
# The notes end with code for TensorFlow 1:
#
# ```python
# loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
# train_step = tf.train.AdamOptimizer(1e-4).minimize(loss)
# correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
# accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
# ```
#
# The labels are one-hot, the loss is the mean over the batch, the optimizer is Adam. The accuracy is the mean of `equal`, cast to numbers. By hand, the predictions $[1, 2, 0, 1]$ and the labels $[1, 2, 2, 1]$: equal is $[1, 1, 0, 1]$, and its mean is $0.75$. In PyTorch `nn.CrossEntropyLoss` accepts one-hot rows, too.
#
# **Predict first.** SGD's learning rate is 0.1, Adam's is 0.0001. Which loss falls faster?

# %% [markdown] lang="zh"
# ## 9. 附录：独热标签、Adam（1e-4）、用均值求精度
#
# 笔记最后是一段 TensorFlow 1 的代码：
#
# ```python
# loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
# train_step = tf.train.AdamOptimizer(1e-4).minimize(loss)
# correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
# accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
# ```
#
# 标签是独热编码，损失是小批量上的平均值，优化器是 Adam。精度是把 `equal` 转成数之后的平均值。动手算：预测为 $[1, 2, 0, 1]$，标签为 $[1, 2, 2, 1]$，则 equal 为 $[1, 1, 0, 1]$，平均值为 $0.75$。在 PyTorch 里，`nn.CrossEntropyLoss` 也接受独热编码的行。
#
# **先猜一猜**：SGD 的学习率是 0.1，Adam 的是 0.0001。哪个的损失下降得更快？

# %%
equal = torch.tensor([1, 2, 0, 1]) == torch.tensor([1, 2, 2, 1])
print("accuracy by hand:", equal.float().mean().item())
agree(loss(O, torch.eye(3)), loss(O, torch.tensor([0, 1, 2])))  # one-hot rows and classes

net = new_net()
shuffling.manual_seed(0)
adam, _ = train(net, torch.optim.Adam(net.parameters(), lr=1e-4), num_epochs=3)
drawing.optimizers(history, adam)

# %% [markdown] lang="en"
# SGD with 0.1. The two rates cannot be compared. Adam divides by the size of the gradient, so its rate is about the length of a step for each weight. SGD's rate is multiplied by the gradient, which is small here.

# %% [markdown] lang="zh"
# SGD（0.1）。这两个学习率不能相比。Adam 会除以梯度的大小，所以它的学习率大致就是每个权重一步移动的长度。SGD 的学习率要乘以梯度，而这里的梯度很小。

# %% [markdown] lang="en"
# **Experiment.** Train with Adam at 1e-3 and 1e-2. At which rate is it as fast as SGD with 0.1?

# %% [markdown] lang="zh"
# **实验**：用 Adam 以 1e-3 和 1e-2 训练。哪个学习率与 SGD（0.1）一样快？

# %% [markdown] exercises=9
# (the exercises of section 9)

# %% [markdown] lang="en"
# ## Capstone: your own loop to 0.83
#
# Open an empty notebook. Train softmax regression on Fashion-MNIST to a **test accuracy of at least 0.83**. Use `d2l.load_data_fashion_mnist` and tensor arithmetic; import neither `torch.nn` nor `torch.optim`, nor this project's models.
#
# - ★ Train with your softmax, cross-entropy and gradients. Ten epochs at the rate 0.1 give about 0.82; let the rate fall during training.
# - ★★ Hold out 5,000 training images, and choose learning rate and batch size with them. Use the test images once, at the end.
# - ★★★ Report the accuracy with its standard error, $\sqrt{p (1 - p) / n}$. Explain three of the most confident errors.

# %% [markdown] lang="zh"
# ## 综合练习：用自己的循环达到 0.83
#
# 新建一个空白笔记本。在 Fashion-MNIST 上训练 softmax 回归，使**测试精度至少为 0.83**。可以用 `d2l.load_data_fashion_mnist` 和张量运算；不要导入 `torch.nn`、`torch.optim`，也不要导入本项目的模型。
#
# - ★ 用自己写的 softmax、交叉熵和梯度训练。学习率固定为 0.1，十个迭代周期只有 0.82 左右；请让学习率在训练中逐渐下降。
# - ★★ 从训练图像中留出 5000 幅，用它们选择学习率和批量大小。测试图像只在最后用一次。
# - ★★★ 报告精度和它的标准误差 $\sqrt{p (1 - p) / n}$。解释三个置信度最高的错误。

# %% [markdown] lang="en"
# ## Summary
#
# - `nn.Sequential` lists the layers. `nn.CrossEntropyLoss` takes logits and includes softmax.
# - `zero_grad`, `backward`, `step`: the gradients are those that you derived by hand.
# - From the same seed both implementations agree to rounding error.
# - Learning rates of different optimizers cannot be compared.
#
# **Open questions**
#
# 1. The library hides the gradient. When do you still need to know it?
# 2. Two implementations agree. Could both be wrong?

# %% [markdown] lang="zh"
# ## 小结
#
# - `nn.Sequential` 列出各层。`nn.CrossEntropyLoss` 接受 logits，已包含 softmax。
# - `zero_grad`、`backward`、`step`：得到的梯度就是你动手推导的梯度。
# - 随机种子相同，两份实现的结果一致，只差舍入误差。
# - 不同优化器的学习率不能相比。
#
# **开放问题**
#
# 1. 框架把梯度藏了起来。什么时候你仍然需要了解它？
# 2. 两份实现的结果一致。会不会两份都错了？
